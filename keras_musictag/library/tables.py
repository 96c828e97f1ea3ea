"""Writes what a library knows for other programs: tables, the results of a scan as JSON lines, and sidecars."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag.errors import MusicTagError, printable
from keras_musictag.files import whole_file, write_csv, write_json
from keras_musictag.library.database import Database, ScoredFile, StoredModel
from keras_musictag.library.file_tags import GENRE, MOOD, FileTags
from keras_musictag.library.music_files import absolute_path
from keras_musictag.library.presence import PresenceThresholds, are_present, presence_thresholds
from keras_musictag.library.rules import threshold_array
from keras_musictag.library.scan_plan import below
from keras_musictag.library.vectors import read_vectors

FORMATS = ("parquet", "csv", "jsonl")
SIDECAR_ENDINGS = (".json", ".csv")
TEXTS = ("path", "uri", "artist", "album", "title")
ROWS_PER_GROUP = 4096  # of Parquet, which are in memory together
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def export_table(
    database: Database,
    model: StoredModel,
    path: str | os.PathLike,
    embeddings: bool = False,
    thresholds: PresenceThresholds | None = None,
) -> int:
    """Writes the files of a library and the scores of one model.

    The columns are `path` (readable: bytes that are not UTF-8 are escaped), `uri` (exact), `artist`, `album`, `title`,
    `year`, `seconds`, `present` (the tags whose score reaches its threshold), one column `score.<tag>` per tag, and, on
    request, the embedding. The file is written completely or not at all, in bounded memory.

    Args:
        database: The library.
        model: The model.
        path: The file; its extension is the format.
        embeddings: Whether to add the embeddings: one list per row, in CSV one column per feature.
        thresholds: The result of `presence_thresholds(model)`; None to look them up.

    Returns:
        The number of rows.

    Raises:
        ValueError: If the extension is not .parquet, .csv or .jsonl.
        MusicTagError: If pyarrow is needed and not installed.

    Example:
        >>> import tempfile
        >>> from keras_musictag import Vocabulary
        >>> with tempfile.TemporaryDirectory() as folder, Database(f"{folder}/library.db", create=True) as database:
        ...     model = database.add_model("my-own-v1", "", Vocabulary(("piano",)), 2)
        ...     track = database.add_track(b"hash of the audio", 60.0, ())
        ...     database.put_file("/music/a.mp3", 10, 20, track)
        ...     database.add_result(track, model, np.array([0.75]), 0, 20, "keras float32")
        ...     export_table(database, model, f"{folder}/tracks.csv")
        1
    """
    path = Path(path)
    form = path.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise ValueError(f"The name of the table must end in .parquet, .csv or .jsonl. Received: {str(path)!r}.")
    limits = threshold_array(model, None, thresholds or presence_thresholds(model))
    count = 0
    with _snapshot(database), whole_file(path) as scratch, WRITERS[form](scratch, model, embeddings) as write:
        vectors = read_vectors(database, model) if embeddings else None
        for file in database.scored_files(model):
            write(_row(file, model, limits, vectors))
            count += 1
    return count


@contextmanager
def _snapshot(database: Database) -> Iterator[None]:
    """What is read in the block is from one moment: a scan at the same time does not add files without embeddings."""
    database.connection.execute("BEGIN")
    try:
        yield
    finally:
        database.connection.execute("ROLLBACK")


def _row(file: ScoredFile, model: StoredModel, limits: np.ndarray, vectors: np.ndarray | None) -> dict[str, Any]:
    row = {
        "path": printable(file.path),
        "uri": Path(file.path).as_uri(),
        "artist": file.labels.artist,
        "album": file.labels.album,
        "title": file.labels.title,
        "year": file.labels.year,
        "seconds": round(file.duration_seconds, 3),
        "present": [tag for tag, here in zip(model.vocabulary, are_present(file, limits), strict=True) if here],
        "scores": file.scores,
    }
    if vectors is not None:
        row["embedding"] = vectors[file.vector_row]
    return row


@contextmanager
def _parquet_writer(path: Path, model: StoredModel, embeddings: bool) -> Iterator[Callable[[dict], None]]:
    try:
        import pyarrow
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        raise MusicTagError(
            "Parquet needs the package pyarrow. Install it with `pip install 'keras-musictag[library]'`, or write .csv "
            "or .jsonl."
        ) from error
    fields = [(name, pyarrow.string()) for name in TEXTS]
    fields += [("year", pyarrow.int32()), ("seconds", pyarrow.float64()), ("present", pyarrow.list_(pyarrow.string()))]
    fields += [(f"score.{tag}", pyarrow.float32()) for tag in model.vocabulary]
    fields += [("embedding", pyarrow.list_(pyarrow.float32(), model.features))] if embeddings else []
    schema = pyarrow.schema(fields, metadata={"model": model.name, "weights_sha256": model.weights_sha256})
    rows = []

    def flush():
        if rows:
            table = {name: [row[name] for row in rows] for name in (*TEXTS, "year", "seconds", "present")}
            scores = np.stack([row["scores"] for row in rows])
            table |= {f"score.{tag}": scores[:, i] for i, tag in enumerate(model.vocabulary)}
            if embeddings:
                flat = np.concatenate([row["embedding"] for row in rows])
                table["embedding"] = pyarrow.FixedSizeListArray.from_arrays(flat, model.features)
            writer.write_table(pyarrow.table(table, schema=schema))
            rows.clear()

    def write(row):
        rows.append(row)
        if len(rows) == ROWS_PER_GROUP:
            flush()

    with ParquetWriter(path, schema) as writer:
        yield write
        flush()


@contextmanager
def _csv_writer(path: Path, model: StoredModel, embeddings: bool) -> Iterator[Callable[[dict], None]]:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\r\n")  # with "\n", a cell that contains "\r" would not be quoted
        header = [*TEXTS, "year", "seconds", "present", *(f"score.{tag}" for tag in model.vocabulary)]
        writer.writerow(header + [f"embedding.{i}" for i in range(model.features if embeddings else 0)])

        def write(row):
            texts = [csv_cell(row[name] or "") for name in TEXTS]
            cells = [*texts, row["year"], row["seconds"], csv_cell("; ".join(row["present"]))]
            cells += [f"{score:.6f}" for score in row["scores"]]
            writer.writerow(cells + ([f"{value:.7g}" for value in row["embedding"]] if embeddings else []))

        yield write


def csv_cell(text: str) -> str:
    """A text that spreadsheets do not run: an apostrophe precedes one that begins like a formula.

    The tags of a music file come from strangers, and `=HYPERLINK(...)` can be a title. Parquet and JSON stay exact.

    Example:
        >>> csv_cell("=1+1"), csv_cell("a=b")
        ("'=1+1", 'a=b')
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def utf8_path(path: str) -> str:
    """A path as text that any program can read: itself, or its `file://` address if bytes of it are not UTF-8.

    Example:
        >>> utf8_path("/music/caf\\u00e9.mp3") == "/music/caf\\u00e9.mp3", utf8_path("/music/caf\\udce9.mp3")
        (True, 'file:///music/caf%E9.mp3')
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return Path(path).as_uri()
    return path


@contextmanager
def _jsonl_writer(path: Path, model: StoredModel, embeddings: bool) -> Iterator[Callable[[dict], None]]:
    with open(path, "w", encoding="utf-8") as file:

        def write(row):
            scores = zip(model.vocabulary, row["scores"], strict=True)
            row["scores"] = {tag: _float(score) for tag, score in scores}
            if embeddings:
                row["embedding"] = [_float(value) for value in row["embedding"]]
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

        yield write


def _float(value: np.float32) -> float:
    """The shortest decimal number that is this float32 again."""
    return float(str(value))


WRITERS = {"parquet": _parquet_writer, "csv": _csv_writer, "jsonl": _jsonl_writer}


def write_scan_lines(path: str | os.PathLike, database: Database, folders: Sequence[str | os.PathLike]) -> int:
    """Writes what is known of the files in folders: for each its scores by model, or the reason of its problem.

    A line is such as `{"path": "/music/a.mp3", "duration_seconds": 181.2, "notes": [], "scores": {"musicnn-mtat-v1":
    {"guitar": 0.71, ...}}}`, or `{"path": "/music/b.mp3", "problem": "..."}`. All characters are ASCII. A path with
    bytes that are not UTF-8 is its `file://` address.

    Args:
        path: The file to write.
        database: The library.
        folders: The folders.

    Returns:
        The number of lines.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, Database(f"{folder}/library.db", create=True) as database:
        ...     write_scan_lines(f"{folder}/tags.jsonl", database, ["/music"])
        0
    """
    count, end = 0, b""
    spans = sorted(below(absolute_path(folder)) for folder in folders)
    with whole_file(Path(path)) as scratch, open(scratch, "w", encoding="ascii") as file:
        for span in spans:
            if span[0] < end:  # a folder in another one
                continue
            end = span[1]
            for line in _scan_lines(database, span):
                file.write(json.dumps(line) + "\n")
                count += 1
    return count


def _scan_lines(database: Database, span: tuple[bytes, bytes]) -> Iterator[dict]:
    models = {model.id: model for model in database.models()}
    rows = database.connection.execute(
        "SELECT path, problem, duration_seconds, notes, tracks.id FROM files LEFT JOIN tracks ON tracks.id = track "
        "WHERE path >= ? AND path < ? AND missing_since IS NULL ORDER BY path",
        span,
    )
    for path, problem, seconds, notes, track in rows:
        line = {"path": utf8_path(os.fsdecode(path))}
        if problem is not None:
            yield line | {"problem": problem}
            continue
        found = database.connection.execute("SELECT model, scores FROM results WHERE track = ?", (track,))
        scores = {models[model].name: _scores_by_tag(models[model], stored) for model, stored in found}
        yield line | {"duration_seconds": round(seconds, 3), "notes": json.loads(notes), "scores": scores}


def _scores_by_tag(model: StoredModel, scores: bytes) -> dict[str, float]:
    values = np.frombuffer(scores, "<f4").tolist()
    return {tag: round(score, 6) for tag, score in zip(model.vocabulary, values, strict=True)}


def check_sidecar(path: Path) -> None:
    """Raises ValueError if the name of a file does not say which of the two formats it is."""
    if path.suffix.lower() not in SIDECAR_ENDINGS:
        raise ValueError(f"The name of the file must end in {' or '.join(SIDECAR_ENDINGS)}. Received: {str(path)!r}.")


def write_sidecar(path: Path, wanted: Iterable[tuple[str, FileTags]]) -> int:
    """Writes what `write_tags` would write into files that have no tags.

    Args:
        path: The file to write: `.json` for an object from paths to genres, moods and scores, `.csv` for the columns
            path, field and value. A path with bytes that are not UTF-8 is its `file://` address.
        wanted: Paths, and what to write.

    Returns:
        The number of music files in it; files with nothing to write are left out.

    Raises:
        ValueError: If the name ends in something else.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "tags.csv"
        ...     count = write_sidecar(path, [("/a.mp3", FileTags(("Techno", "House")))])
        ...     print(path.read_text(), end="")
        path,field,value
        /a.mp3,genre,Techno
        /a.mp3,genre,House
    """
    check_sidecar(path)
    rows = {utf8_path(file): tags for file, tags in wanted if any(tags.fields().values())}
    if path.suffix.lower() == ".json":
        content = {file: {GENRE: tags.genres, MOOD: tags.moods, "scores": tags.scores} for file, tags in rows.items()}
        write_json(path, content)
    else:
        fields = ((file, field, value) for file, tags in rows.items() for field, value in _field_values(tags))
        write_csv(path, ("path", "field", "value"), fields)
    return len(rows)


def _field_values(tags: FileTags) -> Iterable[tuple[str, str]]:
    return ((field, value) for field, values in tags.fields().items() for value in values)

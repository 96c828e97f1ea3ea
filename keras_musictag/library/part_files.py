"""Parts: Parquet files with what a scan found, one row per file, to be imported into the database of a library.

Each part has the results of one model. The model's tags are in the metadata of the file, and all else is in columns, so
that other programs can read it.
"""

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from keras_musictag.errors import MusicTagError
from keras_musictag.files import whole_file
from keras_musictag.library.database import Database, Labels, StoredModel
from keras_musictag.library.vectors import read_vectors
from keras_musictag.tags.vocabulary import Vocabulary

METADATA_KEY = b"keras_musictag"
VERSION = 1  # of the columns and the metadata
ROWS_AT_ONCE = 500
MAX_GROUP_BYTES = 2**30  # of a row group when decompressed; 500 rows of ours have a few MB


@dataclass(frozen=True, eq=False)
class ScannedFile:
    """A row of a part: a file with the results for its track, or with a problem.

    Attributes:
        path: Absolute path; bytes of its name that are not valid UTF-8 are surrogates, as in `os.fsdecode`.
        size_bytes, mtime_ns: Of the file when it was read; the latter is -1 if it is to be read again.
        labels: What the file's own tags say.
        problem: Why the file could not be tagged; the attributes below then have their defaults.
        audio_sha256: Hash of the compressed audio.
        duration_seconds: Decoded duration, in seconds.
        notes: Sentences that a listener should know.
        scores: Float32 (tags,).
        embedding: Float32 (features,).
        chunks: Number of chunks that were scored.
        engine: What computed the scores, such as "onnx float32".
    """

    path: str
    size_bytes: int
    mtime_ns: int
    labels: Labels
    problem: str | None = None
    audio_sha256: bytes = b""
    duration_seconds: float = 0.0
    notes: tuple[str, ...] = ()
    scores: np.ndarray | None = field(default=None, repr=False)
    embedding: np.ndarray | None = field(default=None, repr=False)
    chunks: int = 0
    engine: str = ""


def write_part(path: Path, database: Database, model: StoredModel) -> None:
    """Writes all that a database has of one model, completely or not at all.

    Args:
        path: The Parquet file to write.
        database: The database. Files without results of the model are written only if they have a problem.
        model: The model.
    """
    pyarrow = import_pyarrow()
    from pyarrow.parquet import ParquetWriter

    facts = {"name": model.name, "weights_sha256": model.weights_sha256, "features": model.features}
    facts |= {"version": VERSION, "tags": model.vocabulary.to_list()}
    schema = part_schema().with_metadata({METADATA_KEY: json.dumps(facts)})
    vectors = read_vectors(database, model)
    rows = database.connection.execute(
        "SELECT path, bytes, mtime_ns, problem, artist, album, title, year, audio_sha256, duration_seconds, notes, "
        "scores, vector_row, chunks, engine FROM files LEFT JOIN tracks ON tracks.id = files.track "
        "LEFT JOIN results ON results.track = files.track AND model = ? "
        "WHERE missing_since IS NULL AND (problem IS NOT NULL OR scores IS NOT NULL) ORDER BY path",
        (model.id,),
    )
    with whole_file(path) as scratch, ParquetWriter(scratch, schema, compression="zstd") as writer:
        while some := rows.fetchmany(ROWS_AT_ONCE):
            columns = dict(zip(schema.names, map(list, zip(*some, strict=True)), strict=False))
            columns["notes"] = [notes and json.loads(notes) for notes in columns["notes"]]
            columns["scores"] = [scores and np.frombuffer(scores, "<f4") for scores in columns["scores"]]
            columns["embedding"] = [None if row is None else vectors[row] for row in columns["embedding"]]
            columns["model"] = [model.name] * len(some)
            columns["weights_sha256"] = [model.weights_sha256] * len(some)
            writer.write_table(pyarrow.table(columns, schema))


class Part:
    """An open part: a context manager, and an iterator over its rows, which it checks.

    Args:
        path: The file.

    Attributes:
        name, weights_sha256, vocabulary, features: The model; see `StoredModel`.

    Raises:
        FileNotFoundError: If it does not exist.
        MusicTagError: If it is not a part, or is damaged. Iterating raises this, too.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"There is no part {str(path)!r}.")
        import_pyarrow()
        from pyarrow.parquet import ParquetFile

        with self._errors_explained():
            self._file = ParquetFile(self.path)
            if not self._file.schema_arrow.equals(part_schema()):
                raise ValueError("its columns differ")
            facts = json.loads(self._file.schema_arrow.metadata[METADATA_KEY])
            if facts["version"] != VERSION:
                raise ValueError(f"it has version {facts['version']!r}, and this program reads {VERSION}")
            self.name, self.weights_sha256, self.features = facts["name"], facts["weights_sha256"], facts["features"]
            self.vocabulary = Vocabulary.of(facts["tags"])
            if not all(isinstance(text, str) and text for text in (self.name, self.weights_sha256)):
                raise ValueError("it does not name its model")
            if not isinstance(self.features, int) or self.features < 1:
                raise ValueError(f"its embeddings have {self.features!r} numbers")
            groups = [self._file.metadata.row_group(i) for i in range(self._file.num_row_groups)]
            if any(group.total_byte_size > MAX_GROUP_BYTES for group in groups):
                raise ValueError("its row groups are too large")

    def __iter__(self) -> Iterator[ScannedFile]:
        number = 0
        with self._errors_explained():
            for batch in self._file.iter_batches(ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    number += 1
                    try:
                        yield self._checked(row)
                    except ValueError as error:
                        raise ValueError(f"row {number}: {error}") from None

    def _checked(self, row: dict) -> ScannedFile:
        path = os.fsdecode(row["path"] or b"")
        if not os.path.isabs(path) or "\0" in path:
            raise ValueError(f"`path` must be an absolute path. Received: {path!r}")
        if row["bytes"] is None or row["bytes"] < 0 or row["mtime_ns"] is None:
            raise ValueError("`bytes` and `mtime_ns` must be numbers")
        if (row["model"], row["weights_sha256"]) != (self.name, self.weights_sha256):
            raise ValueError(f"`model` must be {self.name!r}. Received: {row['model']!r}")
        labels = Labels(row["artist"], row["album"], row["title"], row["year"])
        if row["problem"] is not None:
            return ScannedFile(path, row["bytes"], row["mtime_ns"], labels, row["problem"])
        scores = self._numbers(row, "scores", len(self.vocabulary))
        if not ((scores >= 0) & (scores <= 1)).all():
            raise ValueError("`scores` must be from 0 to 1")
        seconds, notes = row["duration_seconds"], row["notes"]
        if seconds is None or not 0 <= seconds < math.inf:
            raise ValueError(f"`duration_seconds` must be a positive number. Received: {seconds!r}")
        if None in (row["audio_sha256"], row["chunks"], row["engine"], notes) or None in notes or row["chunks"] < 1:
            raise ValueError("a value is missing")
        return ScannedFile(
            path,
            row["bytes"],
            row["mtime_ns"],
            labels,
            audio_sha256=row["audio_sha256"],
            duration_seconds=seconds,
            notes=tuple(notes),
            scores=scores,
            embedding=self._numbers(row, "embedding", self.features),
            chunks=row["chunks"],
            engine=row["engine"],
        )

    def _numbers(self, row: dict, column: str, count: int) -> np.ndarray:
        numbers = np.array(row[column] or (), np.float32)  # None becomes NaN
        if numbers.shape != (count,) or not np.isfinite(numbers).all():
            raise ValueError(f"`{column}` must be a list of {count} finite numbers")
        return numbers

    @contextmanager
    def _errors_explained(self) -> Iterator[None]:
        import pyarrow

        try:
            yield
        except (pyarrow.ArrowException, ValueError, TypeError, LookupError, AttributeError, OSError) as error:
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise MusicTagError(
                f"{str(self.path)!r} is damaged, or was not written by `keras-musictag library distribute`: {reason}."
            ) from error

    def __enter__(self) -> "Part":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()


def part_schema():
    """The columns of a part, in their order, as a `pyarrow.Schema`."""
    import pyarrow as pa

    texts, numbers = pa.string(), pa.list_(pa.float32())
    return pa.schema(
        {
            "path": pa.binary(),  # names can be in any encoding
            "bytes": pa.int64(),
            "mtime_ns": pa.int64(),
            "problem": texts,
            "artist": texts,
            "album": texts,
            "title": texts,
            "year": pa.int64(),
            "audio_sha256": pa.binary(32),
            "duration_seconds": pa.float64(),
            "notes": pa.list_(texts),
            "scores": numbers,
            "embedding": numbers,
            "chunks": pa.int64(),
            "engine": texts,
            "model": texts,
            "weights_sha256": texts,
        }
    )


def import_pyarrow():
    """Imports pyarrow.

    Raises:
        MusicTagError: If it is not installed.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise MusicTagError(
            'Parts are Parquet files, which need the package pyarrow: pip install "keras-musictag[library]".'
        ) from error
    return pyarrow

"""The results of a library as JSON lines, one per file, for other programs."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_musictag.files import whole_file
from keras_musictag.library.database import Database, StoredModel
from keras_musictag.library.music_files import absolute_path
from keras_musictag.library.scan_plan import below
from keras_musictag.library.tables import utf8_path


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
            for line in _lines(database, span):
                file.write(json.dumps(line) + "\n")
                count += 1
    return count


def _lines(database: Database, span: tuple[bytes, bytes]) -> Iterator[dict]:
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
        scores = {models[model].name: _by_tag(models[model], stored) for model, stored in found}
        yield line | {"duration_seconds": round(seconds, 3), "notes": json.loads(notes), "scores": scores}


def _by_tag(model: StoredModel, scores: bytes) -> dict[str, float]:
    values = np.frombuffer(scores, "<f4").tolist()
    return {tag: round(score, 6) for tag, score in zip(model.vocabulary, values, strict=True)}

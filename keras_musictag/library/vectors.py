"""The embeddings of a library: one file of float32 rows per model, next to the database.

A row is on the disk before the database refers to it. So after a crash the file may have rows too many, or half a row,
at its end: `VectorWriter` removes them.
"""

import os
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np

from keras_musictag.errors import MusicTagError
from keras_musictag.library.database import Database, StoredModel


def vectors_path(database: Database, model: StoredModel) -> Path:
    """The file of a model's embeddings, such as `library.db.musicnn-mtat-v1-0a1b2c3d.vectors`."""
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in model.name)
    # the whole name: library.2025 and library.2026 are two databases
    return database.path.with_name(f"{database.path.name}.{name}-{model.weights_sha256[:8]}.vectors")


def read_vectors(database: Database, model: StoredModel) -> np.ndarray:
    """Maps the embeddings of a model into memory.

    Returns:
        Float32 (rows, features), read-only. A `ScoredFile` has the row of its track.

    Raises:
        MusicTagError: If the file is missing, or shorter than the database states.
    """
    path, rows = vectors_path(database, model), stored_rows(database, model)
    if rows == 0:
        return np.zeros((0, model.features), np.float32)
    if not path.is_file() or path.stat().st_size < rows * model.features * 4:
        raise MusicTagError(
            f"{str(path)!r} is missing or too short: it must hold {rows} embeddings. Put it back next to the database, "
            "or run `keras-musictag library scan` again to compute the lost ones."
        )
    return np.memmap(path, "<f4", "r", shape=(rows, model.features))


def stored_rows(database: Database, model: StoredModel) -> int:
    """The number of rows that the database refers to."""
    query = "SELECT coalesce(max(vector_row) + 1, 0) FROM results WHERE model = ?"
    return database.connection.execute(query, (model.id,)).fetchone()[0]


def forget_lost(database: Database, model: StoredModel) -> int:
    """Removes the results of a model whose embeddings are lost, so that a scan computes them again.

    Returns:
        Their number.
    """
    path = vectors_path(database, model)
    rows = path.stat().st_size // (model.features * 4) if path.is_file() else 0
    query = "DELETE FROM results WHERE model = ? AND vector_row >= ?"
    return database.connection.execute(query, (model.id, rows)).rowcount


class VectorWriter:
    """Appends embeddings to a model's file. Use it inside `Database.writing()`: a context manager."""

    def __init__(self, database: Database, model: StoredModel):
        self.rows = stored_rows(database, model)
        self._features = model.features
        self._file = open(vectors_path(database, model), "ab")
        self._file.truncate(self.rows * model.features * 4)

    def append(self, vector: np.ndarray) -> int:
        """Appends an embedding, float (features,), and returns its row. Call `sync` before the row is stored."""
        if vector.shape != (self._features,):
            raise ValueError(f"`vector` must have shape ({self._features},). Received: {vector.shape}.")
        self._file.write(np.asarray(vector, "<f4").tobytes())
        self.rows += 1
        return self.rows - 1

    def sync(self) -> None:
        """Returns when all rows are on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> "VectorWriter":
        return self

    def __exit__(self, kind, *_) -> None:
        with suppress(OSError) if kind else nullcontext():  # after an error on a full disk, closing raises it again
            self._file.close()

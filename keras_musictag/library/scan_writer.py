"""Stores what a scan has finished, in small groups: first the embeddings, then all rows in one transaction."""

import sqlite3
import time
from contextlib import ExitStack
from dataclasses import dataclass

from keras_musictag.errors import MusicTagError
from keras_musictag.library.database import TRY_AGAIN, Database, Labels, StoredModel
from keras_musictag.library.decoding_workers import Decoded, Failed, Identified
from keras_musictag.library.music_files import FoundFile
from keras_musictag.library.network_batches import MergedOutputs
from keras_musictag.library.vectors import VectorWriter

COMMIT_SECONDS = 1.0  # what is finished waits no longer, so that little is lost if the process is killed


@dataclass(frozen=True)
class _Entry:
    """A finished file. Without `failed`, its track is known, or `decoded` and `scored` are new results."""

    file: FoundFile
    identified: Identified | None = None
    failed: Failed | None = None
    decoded: Decoded | None = None
    scored: tuple[tuple[StoredModel, str, MergedOutputs], ...] = ()


class ScanWriter:
    """Collects finished files and stores them: a context manager, inside `Database.writing()`.

    Args:
        database: The database.
        models: The models whose results will be stored.
    """

    def __init__(self, database: Database, models: list[StoredModel]):
        self._database, self._entries, self._last, self._failed = database, [], time.monotonic(), False
        with ExitStack() as stack:
            self._vectors = {model: stack.enter_context(VectorWriter(database, model)) for model in models}
            self._stack = stack.pop_all()

    def __enter__(self) -> "ScanWriter":
        return self

    def __exit__(self, *error) -> None:
        self._stack.__exit__(*error)

    def add_known(self, file: FoundFile, identified: Identified) -> None:
        """Takes a file whose track is in the database."""
        self._entries.append(_Entry(file, identified))

    def add_problem(self, file: FoundFile, failed: Failed, identified: Identified | None = None) -> None:
        """Takes a file that could not be used."""
        self._entries.append(_Entry(file, identified, failed))

    def add_tagged(
        self,
        file: FoundFile,
        identified: Identified,
        decoded: Decoded,
        scored: list[tuple[StoredModel, str, MergedOutputs]],
    ) -> None:
        """Takes a file with new results: for each model, what computed them, and the outputs."""
        self._entries.append(_Entry(file, identified, None, decoded, tuple(scored)))

    @property
    def is_due(self) -> bool:
        """Whether something has waited long enough to be stored."""
        return bool(self._entries) and time.monotonic() - self._last > COMMIT_SECONDS

    def commit(self) -> None:
        """Stores what was taken. After an error, nothing more is stored.

        Raises:
            MusicTagError: If the database cannot be written, for example because the disk is full.
            OSError: If the embeddings cannot be written.
        """
        if self._failed or not self._entries:
            return
        self._failed = True
        try:
            rows = self._append_vectors()
            with self._database.transaction():
                for entry, its_rows in zip(self._entries, rows, strict=True):
                    self._store(entry, its_rows)
        except sqlite3.OperationalError as error:
            raise MusicTagError(
                f"{str(self._database.path)!r} cannot be written ({error}). If the disk is full, free some space; then "
                "run the same command again to resume."
            ) from error
        self._entries, self._last, self._failed = [], time.monotonic(), False

    def _append_vectors(self) -> list[list[int]]:
        """Writes the embeddings to the disk, and returns the rows of each entry."""
        rows = [
            [self._vectors[model].append(outputs.embedding) for model, _, outputs in entry.scored]
            for entry in self._entries
        ]
        for model in {model for entry in self._entries for model, _, _ in entry.scored}:
            self._vectors[model].sync()
        return rows

    def _store(self, entry: _Entry, rows: list[int]) -> None:
        database, identified = self._database, entry.identified
        size_bytes, mtime_ns, labels = entry.file.size_bytes, entry.file.mtime_ns, Labels()
        if identified is not None:
            size_bytes, mtime_ns, labels = identified.size_bytes, identified.mtime_ns, identified.labels
        if entry.failed is not None:
            mtime_ns = TRY_AGAIN if entry.failed.again else mtime_ns
            database.put_file(entry.file.path, size_bytes, mtime_ns, problem=entry.failed.reason, labels=labels)
            return
        decoded = entry.decoded or Decoded(0.0, ())  # a known track keeps what is stored
        track = database.add_track(identified.audio_sha256, decoded.duration_seconds, decoded.notes)
        database.put_file(entry.file.path, size_bytes, mtime_ns, track, labels=labels)
        for (model, computed_by, outputs), row in zip(entry.scored, rows, strict=True):
            database.add_result(track, model, outputs.scores, row, outputs.computed, computed_by)

"""Compares the files on the disk with the database: what has to be read, and what is unchanged or missing.

The lists are temporary tables, so that a library of any size takes little memory.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from keras_musictag.library.database import Database, StoredModel
from keras_musictag.library.music_files import VIDEO, ClosedFolder, FoundFile, Volume

_ROWS = 500  # fetched at once

_TABLES = """
CREATE TEMP TABLE IF NOT EXISTS found (path BLOB PRIMARY KEY, bytes INTEGER, mtime_ns INTEGER, broken INTEGER)
WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS to_read (path BLOB, bytes INTEGER, mtime_ns INTEGER);
DELETE FROM found;
DELETE FROM to_read;
"""

# nothing has changed, and what is known of the file is complete: the reason of a problem, or the results of all models
_UNCHANGED = """
files.path = found.path AND files.bytes = found.bytes AND files.mtime_ns = found.mtime_ns AND (
    files.problem IS NOT NULL
    OR (SELECT count(*) FROM results WHERE results.track = files.track AND results.model IN ({models})) = {count}
)
"""


class ScanPlan:
    """What a scan has to do.

    Args:
        database: Inside `Database.writing()`.
        found: What `find_music` yields.

    Attributes:
        num_found: Music files on the disk.
        closed: Folders that could not be searched, with the reason; empty ones only if the library has files in them.
        broken: Files that cannot be read, with the reason in `problem`.
        volumes: Folders that may be disconnected during the scan.
    """

    def __init__(self, database: Database, found: Iterable[FoundFile | ClosedFolder | Volume]):
        self._database, self._connection = database, database.connection
        self._connection.executescript(_TABLES)
        self.closed: list[ClosedFolder] = []
        self.broken: list[FoundFile] = []
        self.volumes: list[Volume] = []
        with database.transaction(locks=False):  # searching takes minutes, and the tables are of this connection only
            self._connection.executemany("INSERT OR IGNORE INTO found VALUES (?, ?, ?, ?)", self._rows(found))
        (self.num_found,) = self._connection.execute("SELECT count(*) FROM found").fetchone()
        self.closed = [folder for folder in self.closed if not folder.is_empty or self._has_files(folder.path)]

    def _rows(self, found: Iterable[FoundFile | ClosedFolder | Volume]) -> Iterator[tuple]:
        for each in found:
            match each:
                case ClosedFolder():
                    self.closed.append(each)
                case Volume():
                    self.volumes.append(each)
                case FoundFile():
                    if each.problem is not None:
                        self.broken.append(each)
                    yield os.fsencode(each.path), each.size_bytes, each.mtime_ns, each.problem is not None

    def _has_files(self, folder: str) -> bool:
        query = "SELECT 1 FROM files WHERE path >= ? AND path < ? AND missing_since IS NULL LIMIT 1"
        return self._connection.execute(query, below(folder)).fetchone() is not None

    def choose(self, models: Sequence[StoredModel]) -> int:
        """Chooses the files to read: those that changed, and those that a model has not scored.

        Args:
            models: All models of the scan.

        Returns:
            Their number.
        """
        unchanged = _UNCHANGED.format(models=", ".join(str(model.id) for model in models), count=len(models))
        self._connection.execute(
            "INSERT INTO to_read SELECT path, bytes, mtime_ns FROM found WHERE NOT broken AND NOT EXISTS "
            f"(SELECT 1 FROM files WHERE {unchanged}) ORDER BY path"
        )
        (count,) = self._connection.execute("SELECT count(*) FROM to_read").fetchone()
        return count

    def count_known_problems(self) -> int:
        """Counts the files that an earlier scan could not use, and that have not changed."""
        query = (
            "SELECT count(*) FROM found JOIN files ON files.path = found.path AND files.bytes = found.bytes "
            "AND files.mtime_ns = found.mtime_ns WHERE problem IS NOT NULL AND NOT broken"
        )
        return self._connection.execute(query).fetchone()[0]

    def to_read(self) -> Iterator[FoundFile]:
        """The files to read, in the order of their paths."""
        last = 0
        while rows := self._connection.execute(
            "SELECT rowid, path, bytes, mtime_ns FROM to_read WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, _ROWS)
        ).fetchall():
            for _, path, size_bytes, mtime_ns in rows:
                yield FoundFile(os.fsdecode(path), size_bytes, mtime_ns)
            last = rows[-1][0]

    def mark_missing(self, roots: Sequence[str], video: bool) -> int:
        """Marks the files that have disappeared from folders, and those that are back as no longer missing.

        Args:
            roots: The folders that were searched. Files in folders that could not be searched stay as they are.
            video: Whether video files were searched for; if not, those of an earlier scan stay as they are.

        Returns:
            How many are newly missing.
        """
        closed = tuple(os.fsencode(each.path) for each in (*self.closed, *self.broken))  # which may be folders
        gone = {
            (path,)
            for root in roots
            for (path,) in self._connection.execute(
                "SELECT path FROM files WHERE path >= ? AND path < ? AND missing_since IS NULL "
                "AND NOT EXISTS (SELECT 1 FROM found WHERE found.path = files.path)",
                below(root),
            )
            if not _is_below(path, closed) and (video or os.path.splitext(os.fsdecode(path))[1].lower() not in VIDEO)
        }
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._database.transaction():
            self._connection.executemany(f"UPDATE files SET missing_since = '{now}' WHERE path = ?", gone)
            self._connection.execute(
                "UPDATE files SET missing_since = NULL WHERE missing_since IS NOT NULL AND EXISTS "
                "(SELECT 1 FROM found WHERE found.path = files.path AND found.bytes = files.bytes "
                "AND found.mtime_ns = files.mtime_ns)"
            )
        return len(gone)


def below(root: str) -> tuple[bytes, bytes]:
    """The smallest path below a folder, and the smallest one after all of them."""
    prefix = os.fsencode(root.rstrip(os.sep) + os.sep)
    return prefix, prefix[:-1] + bytes([prefix[-1] + 1])


def _is_below(path: bytes, folders: Sequence[bytes]) -> bool:
    separator = os.fsencode(os.sep)
    return any(path.startswith(folder.rstrip(separator) + separator) for folder in folders)

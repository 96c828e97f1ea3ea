"""The journal of what was written into files, so that it can be taken back: one folder per run, next to the database.

An entry is on the disk before its file is touched. Entries need no second mark for "done": the hash of the file shows
whether it is the version before the run, the version after it, or something else. So both writing and undoing can be
killed at any moment.
"""

import json
import os
import time
import zlib
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from keras_musictag.errors import MusicTagError, UnknownNameError
from keras_musictag.files import write_json

ENTRIES, DESCRIPTION, UNDONE = "entries.jsonl", "run.json", "undone.json"
VERSION = 1  # of the format; increase it with each change
TIME_FORMAT, TIME_LENGTH = "%Y-%m-%dT%H-%M-%S", 19  # of the name of a run; "-2" follows in that of the second one


class JournalError(MusicTagError):
    """The journal cannot be written: a run must stop, unlike after an error in one file."""


@dataclass(frozen=True)
class FileVersion:
    """A version of a file: its length in bytes, and its SHA-256 as hexadecimal digits."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class JournalEntry:
    """A file that a run changed.

    Attributes:
        path: Absolute path of the file itself, not of a symbolic link to it.
        library_path: Its path in the library, which may be such a link.
        before: The version before the run.
        after: The version after it.
        mtime_ns: Modification time before the run, in nanoseconds.
        recipe: How to make the first from the second, for `binary_difference.restore`.
    """

    path: str
    library_path: str
    before: FileVersion
    after: FileVersion
    mtime_ns: int
    recipe: bytes


@dataclass(frozen=True)
class Run:
    """A run of `library write` in the journal.

    Attributes:
        name: Its name: the time in UTC at which it began, such as "2026-11-30T13-45-02".
        folder: Its folder.
        options: The options it was started with, by name.
        is_undone: Whether all its files were restored.
    """

    name: str
    folder: Path
    options: dict
    is_undone: bool

    def entries(self) -> Iterator[JournalEntry]:
        """Yields the files that the run changed, in order.

        Raises:
            MusicTagError: If the journal is damaged. A last entry that a crash cut off is not damage: its file was not
                touched.
        """
        path = self.folder / ENTRIES
        if not path.is_file():
            return
        with open(path, encoding="ascii") as file:
            for number, line in enumerate(file, 1):
                if line.endswith("\n"):
                    yield _parse(line, path, number)

    def last_entry(self) -> JournalEntry | None:
        """The last of the entries; None if there is none. Raises the errors of `entries`."""
        path = self.folder / ENTRIES
        if not path.is_file():
            return None
        with open(path, encoding="ascii") as file:
            lines = deque(enumerate(file, 1), maxlen=2)
        return next((_parse(line, path, number) for number, line in reversed(lines) if line.endswith("\n")), None)

    def mark_undone(self) -> None:
        """Remembers that all files of this run were restored."""
        write_json(self.folder / UNDONE, {"undone": _utc_now()})


class Journal:
    """The journal of one run of `library write`. Its folder is made with the first entry.

    Args:
        folder: The folder of the journals of a library: see `journal_folder`.
        options: The options of the run, to be shown in the list of runs.
    """

    def __init__(self, folder: Path, options: dict):
        self._parent, self._options, self._file = folder, options, None
        self.run: str | None = None

    def add(self, entry: JournalEntry) -> None:
        """Returns when the entry is on the disk.

        Raises:
            JournalError: If it cannot be stored. The file must not be touched then.
        """
        row = {**vars(entry), "before": vars(entry.before), "after": vars(entry.after)}
        row["recipe"] = b64encode(entry.recipe).decode()
        row["crc32"] = _checksum(row)
        try:
            self._file = self._file or self._open()
            self._file.write(json.dumps(row).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise JournalError(
                f"The journal in {str(self._parent)!r} cannot be written ({error.strerror}), so no more files were "
                "changed. Free some space on its disk and run the command again."
            ) from error

    def _open(self):
        self._parent.mkdir(parents=True, exist_ok=True)
        started, number = time.strftime(TIME_FORMAT, time.gmtime()), 1
        while True:
            self.run = started if number == 1 else f"{started}-{number}"
            folder = self._parent / self.run
            try:
                folder.mkdir()
                break
            except FileExistsError:
                number += 1
        write_json(folder / DESCRIPTION, {"version": VERSION, "options": self._options})
        file = open(folder / ENTRIES, "xb")
        for path in (folder, self._parent):
            _sync_folder(path)
        return file

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_) -> None:
        if self._file:
            with suppress(OSError):  # each entry is stored; on a full disk, closing raises the error of `add` again
                self._file.close()


def journal_folder(database: Path) -> Path:
    """The folder of the journals of a library, next to its database: `library.db` has `library.db.journal`."""
    path = os.path.realpath(database)  # as in `Database`
    return Path(f"{path}.journal")


def list_runs(database: str | os.PathLike) -> list[Run]:
    """The runs of `library write` on a library, in the order in which they began.

    Args:
        database: Path of the library's database. The database itself is not needed.

    Raises:
        MusicTagError: If a journal was written by a newer version of this package.
    """
    runs = []
    for folder in sorted(journal_folder(Path(database)).glob("*/"), key=_began):
        if not (folder / DESCRIPTION).is_file() or not _has_entry(folder / ENTRIES):
            continue  # the run was killed, or the disk was full, before its first entry
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        if description["version"] > VERSION:
            raise MusicTagError(
                f"{str(folder)!r} was written by a newer version of keras-musictag (format {description['version']}; "
                f"this one reads up to {VERSION}). Update keras-musictag."
            )
        runs.append(Run(folder.name, folder, description["options"], (folder / UNDONE).is_file()))
    return runs


def find_run(database: str | os.PathLike, name: str | None = None) -> Run:
    """Finds a run by name; without a name, the newest one that is not undone.

    Raises:
        UnknownNameError: If there is none.
    """
    runs = list_runs(database)
    found = [run for run in runs if (run.name == name if name else not run.is_undone)]
    if not found:
        if name is None:
            raise MusicTagError(
                "There is nothing to undo: no run of `library write` has changed a file, or all are undone."
            )
        raise UnknownNameError.of("run of `library write`", name, [run.name for run in runs])
    return found[-1]


def _began(folder: Path) -> tuple[str, int]:
    """The time in the name of a run, and its number within that second: without the number it is the first."""
    time_text, number = folder.name[:TIME_LENGTH], folder.name[TIME_LENGTH + 1 :]
    return time_text, int(number) if number.isdecimal() else 1


def _has_entry(path: Path) -> bool:
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.readline().endswith(b"\n")


def _parse(line: str, path: Path, number: int) -> JournalEntry:
    try:
        row = json.loads(line)
        if row.pop("crc32") != _checksum(row):
            raise ValueError("the checksum differs")
        versions = {name: FileVersion(**row[name]) for name in ("before", "after")}
        return JournalEntry(**{**row, **versions, "recipe": b64decode(row["recipe"])})
    except (ValueError, KeyError, TypeError) as error:
        raise MusicTagError(f"Line {number} of the journal {str(path)!r} is damaged ({error}).") from error


def _checksum(row: dict) -> int:
    return zlib.crc32(json.dumps(row, sort_keys=True).encode())


def _utc_now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _sync_folder(folder: Path) -> None:
    """Stores the names in a folder on the disk; Windows does so by itself, and cannot open folders."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

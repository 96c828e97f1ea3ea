"""A file is there whole or not at all; a folder is written by one process at a time."""

import csv
import errno
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from keras_musictag.errors import MusicTagError

SCRATCH_PREFIX, SCRATCH_ENDING = ".keras_musictag-", ".part"
OLD_SECONDS = 24 * 3600.0  # nothing takes as long to write: what is older was left by a process that was killed
WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}  # what such a file system answers


def scratch_name(suffix: str = "") -> str:
    """Of a hidden file or folder that nobody else has: process numbers come again, in every container the same."""
    return f"{SCRATCH_PREFIX}{uuid.uuid4().hex}{SCRATCH_ENDING}{suffix}"


def is_scratch(path: Path) -> bool:
    """Whether a file or folder bears such a name."""
    return path.name.startswith(SCRATCH_PREFIX)


def remove_scratch(folder: Path, older_seconds: float = OLD_SECONDS) -> None:
    """Removes what killed processes have left half-written in a folder.

    Args:
        folder: May lack.
        older_seconds: What is younger stays, as another process may be at work on it; 0 where this one holds a lock.
    """
    for path in folder.glob(f"{SCRATCH_PREFIX}*"):
        with suppress(FileNotFoundError):  # another process removes it, too
            if time.time() - path.stat().st_mtime >= older_seconds:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


@contextmanager
def whole_file(path: Path, folder: Path | None = None) -> Iterator[Path]:
    """A path to write to that becomes `path`, in a folder made for it, when all went well; else nothing is left.

    It ends like `path`: libraries take a file's format from there. Several processes may write the same file; one of
    them wins.

    Args:
        path: The file that is wanted; one that is there is replaced, and kept where writing fails.
        folder: Where it is written, on the same disk; None for beside `path`.

    Raises:
        OSError: If it cannot be written, such as on a full disk; the message names `path`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with whole_file(Path(folder) / "a.txt") as scratch:
        ...         _ = scratch.write_text("whole")
        ...     print((Path(folder) / "a.txt").read_text())
        whole
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "A folder stands where the file should go", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = (folder or path.parent) / scratch_name(path.suffix)
    try:
        yield scratch
        with open(scratch, "rb+") as file:
            os.fsync(file.fileno())  # else a crash of the machine may leave an empty file under the name
        scratch.replace(path)
    except OSError as error:
        unnamed = error.errno is not None and error.filename is None  # where `write` itself failed
        if unnamed or str(error.filename) == str(scratch):
            raise OSError(error.errno, error.strerror, str(path)) from error  # the name that the user knows
        raise
    finally:
        scratch.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes, folder: Path | None = None) -> None:
    """Writes a file as `whole_file` does."""
    with whole_file(path, folder) as scratch:
        scratch.write_bytes(content)


def write_text(path: Path, text: str, folder: Path | None = None) -> None:
    """Writes UTF-8, with the line ends that the text has, as `whole_file` does."""
    write_bytes(path, text.encode(), folder)


def write_json(path: Path, content: Any, folder: Path | None = None, **options) -> None:
    """Writes plain data as `whole_file` does; `options` are those of `json.dumps`, `indent=1` by default."""
    write_text(path, json.dumps(content, **{"indent": 1, **options}) + "\n", folder)


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable], folder: Path | None = None) -> None:
    """Writes rows below a header, in UTF-8 with "\\n" at the end of lines, as `whole_file` does.

    Bytes of a file's name that are no UTF-8 are written as they are (`errors="surrogateescape"`).
    """
    text = {"newline": "", "encoding": "utf-8", "errors": "surrogateescape"}
    with whole_file(path, folder) as scratch, open(scratch, "w", **text) as file:
        # ended by "\n" alone, `csv` leaves a cell with "\r" in it without quotes, and cannot read it again
        lines = SimpleNamespace(write=lambda row: file.write(row.removesuffix("\r\n") + "\n"))
        writer = csv.writer(lines, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(rows)


@contextmanager
def locked(folder: Path, name: str = ".lock") -> Iterator[None]:
    """Holds a lock on a folder, which ends with this process however that ends.

    Without an effect on file systems that have no locks.

    Args:
        folder: Made if it is not there.
        name: Of the file in it that is the lock.

    Raises:
        MusicTagError: If another process holds it.
    """
    from filelock import FileLock, Timeout  # what only reads a folder does not need it

    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / name)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise MusicTagError(
            f"Another process is writing {str(folder)!r}. Wait until it has ended, or end it."
        ) from error
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
    try:
        yield
    finally:
        lock.release()

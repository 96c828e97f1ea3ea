"""Writing files completely or not at all, and locking a folder for one process at a time."""

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
OLD_SECONDS = 24 * 3600.0  # no file takes so long to write: an older scratch file is from a process that was killed
WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}  # errors of file systems without locks


def scratch_name(suffix: str = "") -> str:
    """A unique name for a hidden file or folder. Process numbers are not unique: every container has the same ones."""
    return f"{SCRATCH_PREFIX}{uuid.uuid4().hex}{SCRATCH_ENDING}{suffix}"


def is_scratch(path: Path) -> bool:
    """Whether a file or folder has such a name."""
    return path.name.startswith(SCRATCH_PREFIX)


def remove_scratch(folder: Path, older_seconds: float = OLD_SECONDS) -> None:
    """Removes the scratch files that killed processes left in a folder.

    Args:
        folder: The folder; it may be missing.
        older_seconds: Younger files stay, because another process may still write them; 0 if this process holds a lock.
    """
    for path in folder.glob(f"{SCRATCH_PREFIX}*"):
        with suppress(FileNotFoundError):  # another process removes it, too
            if time.time() - path.stat().st_mtime >= older_seconds:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


@contextmanager
def whole_file(path: Path, folder: Path | None = None) -> Iterator[Path]:
    """Yields a scratch path to write to, which becomes `path` if the block succeeds; otherwise nothing is left.

    The scratch path has the extension of `path`, from which libraries take the format. The folder of `path` is created.
    If several processes write the same file, one of them wins.

    Args:
        path: The file to write. An existing file is replaced, or kept if writing fails.
        folder: The folder of the scratch file, on the same disk; None for the folder of `path`.

    Raises:
        OSError: If the file cannot be written, for example because the disk is full; the message names `path`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with whole_file(Path(folder) / "a.txt") as scratch:
        ...         _ = scratch.write_text("whole")
        ...     print((Path(folder) / "a.txt").read_text())
        whole
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "There is a folder with the name of the file", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = (folder or path.parent) / scratch_name(path.suffix)
    try:
        yield scratch
        with open(scratch, "rb+") as file:
            os.fsync(file.fileno())  # otherwise a crash of the machine may leave an empty file with this name
        scratch.replace(path)
    except OSError as error:
        unnamed = error.errno is not None and error.filename is None  # if `write` itself failed
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
    """Writes UTF-8, with the line ends of the text, as `whole_file` does."""
    write_bytes(path, text.encode(), folder)


def write_json(path: Path, content: Any, folder: Path | None = None, **options) -> None:
    """Writes JSON as `whole_file` does; `options` are those of `json.dumps`, by default `indent=1`."""
    write_text(path, json.dumps(content, **{"indent": 1, **options}) + "\n", folder)


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable], folder: Path | None = None) -> None:
    """Writes a CSV file with a header, in UTF-8 with "\\n" at the end of lines, as `whole_file` does.

    Bytes in the name of a file that are not valid UTF-8 are written unchanged (`errors="surrogateescape"`).
    """
    text = {"newline": "", "encoding": "utf-8", "errors": "surrogateescape"}
    with whole_file(path, folder) as scratch, open(scratch, "w", **text) as file:
        # with "\n" as the line end, `csv` would not quote a cell that contains "\r", and could not read it again
        lines = SimpleNamespace(write=lambda row: file.write(row.removesuffix("\r\n") + "\n"))
        writer = csv.writer(lines, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(rows)


@contextmanager
def locked(folder: Path, name: str = ".lock") -> Iterator[None]:
    """Holds a lock on a folder, which is released when this process ends, however it ends.

    Has no effect on file systems without locks.

    Args:
        folder: The folder to lock; it is created if it is missing.
        name: The name of the lock file in it.

    Raises:
        MusicTagError: If another process holds the lock.
    """
    from filelock import FileLock, Timeout  # here, because code that only reads a folder does not need it

    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / name)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise MusicTagError(
            f"Another process is writing {str(folder)!r}. Wait until it has finished, or stop it."
        ) from error
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
    try:
        yield
    finally:
        lock.release()

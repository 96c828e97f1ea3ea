"""A file is there whole or not at all; a folder is written by one process at a time."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from keras_musictag.errors import MusicTagError

SCRATCH_ENDING = ".part"
WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}  # what such a file system answers


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to that becomes `path`, in a folder made for it, when all went well; else nothing is left.

    Args:
        path: The file that is wanted; one that is there is replaced, and kept where writing fails.

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
    scratch = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield scratch
        scratch.replace(path)
    except OSError as error:
        unnamed = error.errno is not None and error.filename is None  # where `write` itself failed
        if unnamed or str(error.filename) == str(scratch):
            raise OSError(error.errno, error.strerror, str(path)) from error  # the name that the user knows
        raise
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def synced_file(path: Path, folder: Path | None = None) -> Iterator[BinaryIO]:
    """An open file that becomes `path` when the block ends well; else nothing is left of it.

    Args:
        path: What to write.
        folder: Where the scratch file lies, on the same disk; None for beside `path`.

    Raises:
        OSError: Of the disk, naming `path`: it is full, a file may not be as large, it cannot be written.
    """
    scratch = (folder or path.parent) / f"{path.name}.{os.getpid()}{SCRATCH_ENDING}"
    try:
        with open(scratch, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        scratch.unlink(missing_ok=True)


def remove_scratch(folder: Path, name: str = "*") -> None:
    """Removes what a killed process has left of `synced_file`: of one file, or of all where nobody else's files lie."""
    for path in folder.glob(f"{name}.*{SCRATCH_ENDING}"):
        path.unlink(missing_ok=True)


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

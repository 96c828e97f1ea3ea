"""Replacing a music file by another version of it: at any moment it is the old one or the new one.

The new version is made in a hidden file in the same folder, whose name no player takes for music, and is renamed over
the old one. Permissions, extended attributes and, where possible, the owner are those of the old one.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from keras_musictag.errors import MusicTagError
from keras_musictag.files import remove_scratch, scratch_name
from keras_musictag.library.journal import FileVersion

LEFTOVER_SECONDS = 600.0  # no file takes so long to write: an older scratch file is from a process that was killed
BLOCK_BYTES = 2**20


def check_replaceable(path: str, state: os.stat_result, hard_links: bool) -> None:
    """Checks that a file may be replaced.

    Raises:
        MusicTagError: If it may not. The message is a reason that follows the name of the file.
    """
    if not state.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise MusicTagError("it is read-only")
    if state.st_nlink > 1 and not hard_links:
        raise MusicTagError(
            f"it has {state.st_nlink} names (hard links): add --hard-links to give this name its own content"
        )


def reason(error: Exception) -> str:
    """Why a file was left alone, to follow its name."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    return str(error) if isinstance(error, MusicTagError) else f"{type(error).__name__}: {error}"


def is_same_state(a: os.stat_result, b: os.stat_result) -> bool:
    """Whether a file has not changed between two looks at it."""
    return (a.st_dev, a.st_ino, a.st_size, a.st_mtime_ns) == (b.st_dev, b.st_ino, b.st_size, b.st_mtime_ns)


@contextmanager
def scratch_file(path: str) -> Iterator[Path]:
    """Yields the path of a scratch file next to a file, and removes it at the end if it was not renamed."""
    scratch = Path(path).parent / scratch_name()
    try:
        yield scratch
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


class VersionHash:
    """A file to write to that only finds out which version of a file was written."""

    def __init__(self):
        self._size_bytes, self._sha256 = 0, hashlib.sha256()

    def write(self, block: bytes) -> None:
        """Adds a part."""
        self._size_bytes += len(block)
        self._sha256.update(block)

    def version(self) -> FileVersion:
        """The version that was written."""
        return FileVersion(self._size_bytes, self._sha256.hexdigest())


def version_of(file: BinaryIO, copy_to: BinaryIO | None = None) -> FileVersion:
    """Which version an open file is; it can be copied on the way."""
    file.seek(0)
    version = VersionHash()
    while block := file.read(BLOCK_BYTES):
        version.write(block)
        if copy_to:
            copy_to.write(block)
    return version.version()


def prepare(scratch: Path, path: str, state: os.stat_result) -> None:
    """Gives a scratch file the permissions and attributes of a file, and stores it on the disk."""
    if hasattr(os, "chown"):
        with suppress(OSError):  # only root may give files away; before `copystat`, because it clears set-user-ID bits
            os.chown(scratch, state.st_uid, state.st_gid)
    modified_ns = os.stat(scratch).st_mtime_ns
    try:
        shutil.copystat(path, scratch)
    except PermissionError:  # some network shares allow no change of permissions, and give all files the same
        if os.stat(scratch).st_mode != state.st_mode:
            raise
    os.utime(scratch, ns=(state.st_atime_ns, modified_ns))
    with open(scratch, "rb+") as file:
        os.fsync(file.fileno())


def replace(scratch: Path, path: str, state: os.stat_result) -> os.stat_result:
    """Renames a scratch file over a file, and returns the state of the new version.

    Raises:
        MusicTagError: If the file has changed since it had that state.
    """
    if not is_same_state(os.stat(path), state):
        raise MusicTagError(
            "another program changed it at the same moment: run `keras-musictag library scan`, then try again"
        )
    written = os.stat(scratch)  # before it has the name: another program may change it right after that
    os.replace(scratch, path)
    return written


def remove_leftovers(folders: set[str], path: str) -> None:
    """Removes what a killed process left in the folder of a file, once per folder."""
    folder = os.path.dirname(path)
    if folder not in folders:
        folders.add(folder)
        with suppress(OSError):
            remove_scratch(Path(folder), LEFTOVER_SECONDS)

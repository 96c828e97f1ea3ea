"""Turns what a caller passes as a file into a `SeekableFile`, which FFmpeg can read and seek in.

A source that cannot seek (a pipe, a socket, a web response), or that would have to be read again for each seek (a
compressed file), is first copied to a temporary file. This file has no name, is limited in size, and is removed when
reading ends.
"""

import bz2
import gzip
import inspect
import io
import lzma
import os
import stat
import tempfile
import time
import zipfile
from contextlib import ExitStack
from typing import BinaryIO

from keras_musictag.errors import AudioError, printable

MAX_COPY_BYTES = 2**31  # 3 hours of CD audio as WAV
WRITER_SECONDS = 10.0  # how long a named pipe may have no writer
_BLOCK_BYTES = 2**20
_COMPRESSED = (gzip.GzipFile, bz2.BZ2File, lzma.LZMAFile, zipfile.ZipExtFile)


class SeekableFile:
    """An open file at its start: `read`, `seek` and `tell`, and the `label` that messages use for it.

    It hides the other attributes of the caller's object, because PyAV mistakes an object that can be written, or that
    has a `mode` such as "w+b", for an output.
    """

    def __init__(self, file: BinaryIO, label: str):
        self._file, self.read, self.label = file, file.read, label
        self.seek(0)

    def tell(self) -> int:
        return self._file.tell() if hasattr(self._file, "tell") else self._file.seek(0, io.SEEK_CUR)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position = self._file.seek(offset, whence)
        return self.tell() if position is None else position  # some file-like objects return None


def open_file(source, stack: ExitStack) -> tuple[SeekableFile, str]:
    """Opens a path or a binary file object.

    Args:
        source: A path, a binary file object, or a `SeekableFile`. It is read from its start if it can seek.
        stack: On exit, it closes what was opened here and removes the temporary copy.

    Returns:
        `(source, label)`: a `SeekableFile`, and the name that messages use for it.

    Raises:
        FileNotFoundError: If there is no such file.
        AudioError: If it cannot be read, or is larger than a temporary copy may be.
        TypeError: If it is neither a path nor a binary file object.
        ValueError: If it is closed.
    """
    if isinstance(source, SeekableFile):
        source.seek(0)
        return source, source.label
    if isinstance(source, str | os.PathLike):
        label = repr(os.fspath(source))
        return SeekableFile(_open_path(source, label, stack), label), label
    name = getattr(source, "name", None)  # that of a temporary file is a number
    label = printable(name) if isinstance(name, str) and name else f"The file object {type(source).__name__!r}"
    if getattr(source, "closed", False) is True:
        raise ValueError(f"{label} is closed. Open it again.")
    _check_file_object(source)
    file = source if _can_seek(source) else _copy(source, label, stack)
    return SeekableFile(file, label), label


def _check_file_object(source) -> None:
    """Raises a TypeError that says what to pass instead, unless `source` looks like a binary file object."""
    read = getattr(source, "read", None)
    readable = getattr(source, "readable", None)
    if (
        not callable(read)
        or isinstance(source, io.TextIOBase | zipfile.ZipFile)
        or inspect.iscoroutinefunction(read)
        or (callable(readable) and not inspect.iscoroutinefunction(readable) and not readable())
    ):
        raise _type_error(source)


def what_to_pass(source) -> str:
    """Returns a sentence for a caller who passed something that is not a file; "" if it is not a known slip."""
    if isinstance(source, zipfile.ZipFile):
        return "Pass one of its members, opened with archive.open(name)."
    if inspect.iscoroutinefunction(getattr(source, "read", None)):
        if hasattr(source, "file"):
            return "Its `read` is asynchronous: pass its file object, upload.file."
        return "Its `read` is asynchronous: pass io.BytesIO(await source.read())."
    if hasattr(source, "read"):
        return "Open the file for reading in binary mode, 'rb'."
    if hasattr(source, "communicate") and hasattr(source, "stdout"):
        return "For a process, pass its `stdout`, opened with stdout=subprocess.PIPE."
    if hasattr(source, "iter_content"):
        return "For a response, pass io.BytesIO(response.content)."
    return ""


def _type_error(source) -> TypeError:
    return TypeError(
        "`source` must be a path or a binary file object; wrap bytes in io.BytesIO. "
        f"Received: {type(source).__name__}. {what_to_pass(source)}".rstrip()
    )


def _can_seek(source) -> bool:
    """Whether a file object can seek at little cost; if so, its position is now its start."""
    try:
        if not getattr(source, "seekable", lambda: True)():
            return False
        source.seek(0)
        if isinstance(source, _COMPRESSED):
            return False
        if not isinstance(source.read(1), bytes):
            raise _type_error(source)
        source.seek(0)
        return True
    except (AttributeError, OSError):  # no `seek`, or one that raises
        return False


def _open_path(path: str | os.PathLike, label: str, stack: ExitStack) -> BinaryIO:
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode):
            return stack.enter_context(open(path, "rb"))
        if stat.S_ISFIFO(mode):  # a shell also makes one of <(program); a plain open would wait for a writer
            pipe = stack.enter_context(os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(
            f"There is no file {label}; expected a music file on this machine. Check the spelling. Audio at a web "
            "address must be downloaded first."
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioError(f"{label} cannot be read ({reason}). Check its name and permissions.") from error
    if stat.S_ISFIFO(mode):
        return _copy(pipe, label, stack, _first_bytes(pipe.fileno(), label))
    kind = "a folder; pass one of the files in it" if stat.S_ISDIR(mode) else "a socket or device"
    raise AudioError(f"{label} must be a music file. Received: {kind}.")


def _first_bytes(pipe: int, label: str) -> bytes:
    """Waits for the writer of a pipe, up to `WRITER_SECONDS`, and returns the bytes that it has already written."""
    deadline = time.monotonic() + WRITER_SECONDS
    while time.monotonic() < deadline:
        try:
            if first := os.read(pipe, _BLOCK_BYTES):
                break
        except BlockingIOError:  # there is a writer, but it has not written yet
            first = b""
            break
        time.sleep(0.02)
    else:
        raise AudioError(f"{label} is a pipe that no program writes to; expected audio. Start the program first.")
    os.set_blocking(pipe, True)
    return first


def _copy(file, label: str, stack: ExitStack, first: bytes = b"") -> BinaryIO:
    """Copies `first` and the rest of a file to a temporary file without a name."""
    try:
        # unbuffered: a buffer would be written again on closing, even if the disk is full
        copy = stack.enter_context(tempfile.TemporaryFile(buffering=0))
        size = 0
        while block := first or _read_block(file, label):
            first = b""
            size += len(block)
            if size > MAX_COPY_BYTES:
                raise AudioError(
                    f"{label} has more than {MAX_COPY_BYTES:,} bytes, the most that can be copied to a temporary file. "
                    "Save it to a file, and pass the path."
                )
            while block:
                block = block[copy.write(block) :]
        return copy
    except OSError as error:
        raise AudioError(
            f"{label} cannot be copied to the temporary folder {tempfile.gettempdir()!r} ({error.strerror or error}). "
            "Free some space, or set the environment variable TMPDIR to another folder."
        ) from error


def _read_block(file, label: str) -> bytes:
    try:
        block = file.read(_BLOCK_BYTES)
    except Exception as error:  # from the caller's object, such as a broken connection or a damaged archive
        raise AudioError(
            f"{label} cannot be read to the end ({type(error).__name__}: {error}). Is it damaged or cut off?"
        ) from error
    if block is None:
        raise AudioError(f"{label} does not wait for its data. Make it blocking, for example with `os.set_blocking`.")
    if not isinstance(block, bytes):
        raise _type_error(file)
    return block

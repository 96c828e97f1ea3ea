"""What a caller passes as a file -> something FFmpeg can read and seek in: a `Source`.

What cannot be sought (a pipe, a socket, a response from the web) or only at the price of reading it again (compressed
files) is copied to a temporary file first, which has no name, is limited in size and ends with the reading.
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
WRITER_SECONDS = 10.0  # how long a pipe of the file system may have no writer
_BLOCK_BYTES = 2**20
_COMPRESSED = (gzip.GzipFile, bz2.BZ2File, lzma.LZMAFile, zipfile.ZipExtFile)


class SeekableFile:
    """An open file at its start: `read`, `seek` and `tell`, and what messages call it.

    It hides the other attributes of the caller's object. PyAV would take one that can be written, or a `mode` such as
    "w+b", for an output.
    """

    def __init__(self, file: BinaryIO, label: str):
        self._file, self.read, self.label = file, file.read, label
        self.seek(0)

    def tell(self) -> int:
        return self._file.tell() if hasattr(self._file, "tell") else self._file.seek(0, io.SEEK_CUR)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        place = self._file.seek(offset, whence)
        return self.tell() if place is None else place  # as some file-like objects do


def open_file(source, stack: ExitStack) -> tuple[SeekableFile, str]:
    """Opens a path or a binary file object.

    Args:
        source: A path, a binary file object, or a `Source`. What can be sought is read from its start.
        stack: Closes what was opened here, and removes a temporary copy.

    Returns:
        `(source, label)`: a `Source`, and what messages call it.

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
    name = getattr(source, "name", None)  # a temporary file's is a number
    label = printable(name) if isinstance(name, str) and name else f"The file object {type(source).__name__!r}"
    if getattr(source, "closed", False) is True:
        raise ValueError(f"{label} is closed. Open it again.")
    _check_file_object(source)
    file = source if _can_seek(source) else _copy(source, label, stack)
    return SeekableFile(file, label), label


def _check_file_object(source) -> None:
    """Raises TypeError, which says what to pass instead, unless `source` looks like a binary file object."""
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
    """Returns a sentence for someone who passed something that is no file; "" where no slip is known."""
    if isinstance(source, zipfile.ZipFile):
        return "Pass one of its members, as by archive.open(name)."
    if inspect.iscoroutinefunction(getattr(source, "read", None)):
        if hasattr(source, "file"):
            return "Its `read` is asynchronous: pass its file object, upload.file."
        return "Its `read` is asynchronous: pass io.BytesIO(await source.read())."
    if hasattr(source, "read"):
        return "Open the file for reading in binary mode, 'rb'."
    if hasattr(source, "communicate") and hasattr(source, "stdout"):
        return "Of a process, pass its `stdout`, opened by stdout=subprocess.PIPE."
    if hasattr(source, "iter_content"):
        return "Of a response, pass io.BytesIO(response.content)."
    return ""


def _type_error(source) -> TypeError:
    return TypeError(
        "`source` must be a path or a binary file object; wrap bytes in io.BytesIO. "
        f"Received: {type(source).__name__}. {what_to_pass(source)}".rstrip()
    )


def _can_seek(source) -> bool:
    """Whether a file object can be sought at little cost; if so, it is at its start."""
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
        if stat.S_ISFIFO(mode):  # also what a shell makes of <(program); to open it plainly would wait for a writer
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
    """Waits for the writer of a pipe, but not for ever, and returns what may be there already."""
    deadline = time.monotonic() + WRITER_SECONDS
    while time.monotonic() < deadline:
        try:
            if first := os.read(pipe, _BLOCK_BYTES):
                break
        except BlockingIOError:  # there is a writer, which has not written yet
            first = b""
            break
        time.sleep(0.02)
    else:
        raise AudioError(f"{label} is a pipe that no program writes to; expected music. Start the program first.")
    os.set_blocking(pipe, True)
    return first


def _copy(file, label: str, stack: ExitStack, first: bytes = b"") -> BinaryIO:
    """Copies `first` and what is left of a file to a temporary one without a name."""
    try:
        # without a buffer, which would be written once more when it is closed, though the disk is full
        copy = stack.enter_context(tempfile.TemporaryFile(buffering=0))
        size = 0
        while block := first or _read_block(file, label):
            first = b""
            size += len(block)
            if size > MAX_COPY_BYTES:
                raise AudioError(
                    f"{label} has more than {MAX_COPY_BYTES:,} bytes, the most that is copied to a temporary file. "
                    "Save it as a file yourself, and pass its path."
                )
            while block:
                block = block[copy.write(block) :]
        return copy
    except OSError as error:
        raise AudioError(
            f"{label} cannot be copied to the temporary folder {tempfile.gettempdir()!r} ({error.strerror or error}). "
            "Free some space, or name another folder in the environment variable TMPDIR."
        ) from error


def _read_block(file, label: str) -> bytes:
    try:
        block = file.read(_BLOCK_BYTES)
    except Exception as error:  # of the caller's object: a broken connection, a damaged archive
        raise AudioError(
            f"{label} cannot be read to its end ({type(error).__name__}: {error}). Is it damaged, or was it cut short?"
        ) from error
    if block is None:
        raise AudioError(f"{label} does not wait for its data. Make it blocking, as by `os.set_blocking`.")
    if not isinstance(block, bytes):
        raise _type_error(file)
    return block

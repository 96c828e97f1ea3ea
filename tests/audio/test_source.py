"""Paths, pipes and any binary file object are read; the error for other objects says what to pass."""

import bz2
import gzip
import http.client
import io
import lzma
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from contextlib import ExitStack

import pytest

from keras_musictag.audio import open_audio, read, source as source_module
from keras_musictag.audio.source import SeekableFile, open_file
from keras_musictag.errors import AudioError
from tests.audio.audio_files import encode, sine, wav_of

WAV = wav_of(sine(seconds=0.5))
M4A = encode(sine(seconds=0.5), "aac", "ipod")  # its index is at the end, so the reader must seek


class Named(io.BytesIO):
    """As from a web framework: its attributes look like those of an output."""

    mode, name = "w+b", "song.mp3"


class OnlyRead:
    """A stream with only `read`, which returns few bytes at a time, like a raw socket."""

    def __init__(self, data):
        self._file = io.BytesIO(data)

    def read(self, size=-1):
        return self._file.read(min(size, 1000) if size >= 0 else 1000)


class SilentSeek(io.BytesIO):
    """`seek` returns nothing, as `SpooledTemporaryFile.seek` did before Python 3.11."""

    def seek(self, *position):
        super().seek(*position)


def spooled(data, **options):
    file = tempfile.SpooledTemporaryFile(**options)
    file.write(data)  # the position is now at the end
    return file


def in_zip(data):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("song", data)
    return zipfile.ZipFile(packed).open("song")


def in_tar(data, mode):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("song")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    packed.seek(0)
    archive = tarfile.open(fileobj=packed, mode=mode)
    return archive.extractfile(archive.next())


def response(data):
    """A response as `urllib.request.urlopen` returns it."""

    class Connection:
        def makefile(self, mode):
            return io.BytesIO(b"HTTP/1.0 200 OK\r\n\r\n" + data)

    answer = http.client.HTTPResponse(Connection())
    answer.begin()
    return answer


SOURCES = {
    "BytesIO": io.BytesIO,
    "mode and name": Named,
    "spooled in memory": lambda data: spooled(data, max_size=2**20),
    "spooled on disk": lambda data: spooled(data, max_size=1),
    "seek returns None": SilentSeek,
    "buffered": lambda data: io.BufferedReader(io.BytesIO(data)),
    "gzip": lambda data: gzip.open(io.BytesIO(gzip.compress(data))),
    "bz2": lambda data: bz2.open(io.BytesIO(bz2.compress(data))),
    "lzma": lambda data: lzma.open(io.BytesIO(lzma.compress(data))),
    "zip": in_zip,
    "tar": lambda data: in_tar(data, "r:gz"),
    "tar stream": lambda data: in_tar(data, "r|gz"),
    "HTTP": response,
    "only read": OnlyRead,
}


@pytest.mark.parametrize("data", [WAV, M4A], ids=["wav", "m4a"])
@pytest.mark.parametrize("kind", SOURCES)
def test_every_binary_file_object_is_read(kind, data):
    audio = read(SOURCES[kind](data))
    assert audio.samples.tobytes() == read(io.BytesIO(data)).samples.tobytes()
    assert audio.notes == ()


@pytest.mark.parametrize("kind", ["BytesIO", "gzip", "spooled on disk"])
def test_a_file_that_can_seek_is_read_from_its_start(kind):
    file = SOURCES[kind](WAV)
    file.seek(0)
    file.read(1000)
    assert read(file).duration_seconds == read(file).duration_seconds == 0.5


def test_a_file_object_stays_open():
    file = gzip.open(io.BytesIO(gzip.compress(WAV)))
    read(file)
    assert not file.closed


@pytest.fixture
def writer():
    """Starts threads that write to the other end of a pipe, and waits for them after the test."""
    threads = []

    def start(function):
        threads.append(threading.Thread(target=function))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(10)


def test_sockets_and_pipes_are_read(writer):
    here, there = socket.socketpair()

    def send():
        with there:
            there.sendall(M4A)

    writer(send)
    with here, here.makefile("rb") as file:
        assert read(file).codec == "aac"
    reading, writing = os.pipe()

    def write():
        with os.fdopen(writing, "wb") as file:
            file.write(M4A)

    writer(write)
    with os.fdopen(reading, "rb", buffering=0) as file:
        assert read(file).codec == "aac"


def test_the_output_of_a_process_is_read():
    command = [sys.executable, "-S", "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(M4A)
        process.stdin.close()
        assert read(process.stdout).codec == "aac"


# ---------------------------------------------------------------- paths


def test_a_named_pipe_is_read(tmp_path, writer):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer(lambda: path.write_bytes(M4A))
    assert read(path).codec == "aac"


def test_process_substitution_of_a_shell_is_read(writer):
    reading, writing = os.pipe()

    def write():
        with os.fdopen(writing, "wb") as file:
            file.write(WAV)

    writer(write)
    assert read(f"/dev/fd/{reading}").duration_seconds == 0.5
    os.close(reading)


def test_a_pipe_without_a_writer_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "WRITER_SECONDS", 0.1)
    os.mkfifo(tmp_path / "pipe.mp3")
    with pytest.raises(AudioError, match=r"pipe.mp3' is a pipe that no program writes to"):
        read(tmp_path / "pipe.mp3")


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(path):
    with pytest.raises(AudioError, match=f"'{path}' must be a music file. Received: a socket or device"):
        read(path)


# ---------------------------------------------------------------- the temporary copy


def test_a_copy_has_a_limit(monkeypatch):
    monkeypatch.setattr(source_module, "MAX_COPY_BYTES", len(WAV))
    assert read(OnlyRead(WAV)).duration_seconds == 0.5
    with pytest.raises(AudioError, match=r"'OnlyRead' has more than 44,144 bytes.*pass the path"):
        read(OnlyRead(WAV + b"\0"))


class Failing(OnlyRead):
    def read(self, size=-1):
        if self._file.tell() > 5000:
            raise ConnectionResetError("Connection reset by peer")
        return super().read(size)


@pytest.mark.parametrize(
    "file, reason",
    [
        (lambda: Failing(WAV), "ConnectionResetError: Connection reset by peer"),
        (lambda: gzip.open(io.BytesIO(gzip.compress(WAV)[:-100])), "EOFError: Compressed file ended"),
        (lambda: gzip.open(io.BytesIO(WAV)), "BadGzipFile: Not a gzipped file"),
    ],
)
def test_a_source_that_fails_is_an_audio_error(file, reason):
    with pytest.raises(AudioError, match=rf"cannot be read to the end \({reason}"):
        read(file())


def test_a_full_temporary_folder_is_an_audio_error(monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda buffering: open("/dev/full", "r+b", buffering))
    with pytest.raises(AudioError, match=r"cannot be copied to the temporary folder .*No space left.*TMPDIR"):
        read(OnlyRead(WAV))


@pytest.mark.parametrize("data", [WAV, b"no audio", b""])
def test_the_copy_is_removed_with_the_stream(data, monkeypatch):
    copies, make = [], tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **options: copies.append(make(**options)) or copies[-1])
    try:
        list(open_audio(OnlyRead(data)))
    except AudioError:
        assert data != WAV
    (copy,) = copies
    assert copy.closed  # it has no name, so it is gone


def test_a_source_is_opened_once_and_rewound():
    with ExitStack() as stack:
        source, label = open_file(OnlyRead(b"abc"), stack)
        assert isinstance(source, SeekableFile) and source.read(2) == b"ab"
        again, same = open_file(source, stack)
        assert again is source and same == label and source.read(3) == b"abc"


# ---------------------------------------------------------------- objects that are refused


class Upload:
    """Starlette's UploadFile: its methods are coroutines."""

    file, filename = io.BytesIO(WAV), "song.mp3"

    async def read(self, size=-1):
        return self.file.read(size)

    async def seek(self, offset):
        return self.file.seek(offset)


class StreamReader:
    """Like asyncio.StreamReader."""

    async def read(self, size=-1):
        return WAV


class Samples:
    """Like soundfile.SoundFile, which reads samples."""

    def seek(self, position):
        return position

    def read(self, size=-1):
        return [0.0]


class Response:
    """Like requests.Response."""

    content = WAV

    def iter_content(self):
        yield WAV


class Process:
    """Like subprocess.Popen."""

    stdout = io.BytesIO(WAV)

    def communicate(self):
        return WAV, b""


@pytest.mark.parametrize(
    "source, hint",
    [
        (b"RIFF", "wrap bytes in io.BytesIO"),
        (3, "Received: int"),
        (None, "Received: NoneType"),
        (["a.wav"], "Received: list"),
        (io.StringIO("text"), "binary mode, 'rb'"),
        (io.TextIOWrapper(io.BytesIO(WAV)), "binary mode, 'rb'"),
        (tempfile.SpooledTemporaryFile(mode="w+"), "binary mode, 'rb'"),
        (io.BufferedWriter(io.BytesIO()), "binary mode, 'rb'"),
        (Samples(), "binary mode, 'rb'"),
        (Upload(), "pass its file object, upload.file"),
        (StreamReader(), r"pass io.BytesIO\(await source.read\(\)\)"),
        (zipfile.ZipFile(io.BytesIO(), "w"), "archive.open"),
        (Process(), "pass its `stdout`"),
        (Response(), r"io.BytesIO\(response.content\)"),
    ],
)
def test_the_error_for_other_objects_says_what_to_pass(source, hint):
    with pytest.raises(TypeError, match=hint) as caught:
        read(source)
    assert str(caught.value).startswith("`source` must be a path or a binary file object")
    assert type(source).__name__ in str(caught.value)


def test_a_closed_file_is_refused():
    file = io.BytesIO(WAV)
    file.close()
    with pytest.raises(ValueError, match="'BytesIO' is closed"):
        read(file)


def test_a_stream_that_does_not_wait_is_refused():
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with os.fdopen(reading, "rb", buffering=0) as file, pytest.raises(AudioError, match="does not wait for its data"):
        read(file)
    os.close(writing)

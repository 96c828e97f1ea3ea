"""What identifies a recording: the SHA-256 of its compressed audio, whatever tags and pictures surround it.

The packets of the audio stream are hashed as the demuxer returns them, without decoding. They do not contain the tags
of ID3v2, MP4, Vorbis comments, WMA and the like. Tags after the audio (ID3v1, APEv2, Lyrics3, ID3v2.4) are cut off
first where a demuxer would take them for audio.
"""

import hashlib
import io
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

from keras_musictag.audio.reading import open_audio
from keras_musictag.audio.source import SeekableFile
from keras_musictag.audio.stream import AudioStream
from keras_musictag.errors import AudioError
from keras_musictag.library.database import Labels

FRAMED = ("mp3", "aac", "ac3", "eac3", "flac", "amr")  # containers without an index: audio is all that follows
LABEL = "The file"  # how the messages of a problem begin: the file's name is stored next to them
_MAX_TAGS = 20  # after the audio; real files have one to three
_FULLEST = 100  # times as many bytes in packets as in the file; more means that the demuxer runs in circles


class MusicFile(io.RawIOBase):
    """The first bytes of an open file, as a file; it keeps the error of a disk or network that fails.

    Args:
        file: The open file.
        end: How many bytes there are to read.

    Attributes:
        error: The error that reading has raised; None if there was none.
    """

    def __init__(self, file: BinaryIO, end: int):
        self._file, self._end, self.error = file, end, None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._end - self._file.tell())
        try:
            return self._file.read(left if size < 0 else min(size, left))
        except OSError as error:
            self.error = error
            raise

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            offset, whence = self._end + offset, os.SEEK_SET
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):  # a damaged header names an impossible place
            return -1  # FFmpeg takes that for an error; of an exception PyAV would print a traceback


def identify(file: BinaryIO, on_progress: Callable[[], None] = lambda: None) -> tuple[bytes, Labels]:
    """Hashes the audio of a file, and reads what its tags say.

    Args:
        file: The file, which can seek.
        on_progress: Called after each packet.

    Returns:
        `(audio_sha256, labels)`: 32 bytes, and the file's `Labels`.

    Raises:
        AudioError: If the file cannot be used as audio.
        OSError: If the disk or network fails.

    Example:
        >>> from keras_musictag import demo_clip
        >>> with open(demo_clip(), "rb") as file:
        ...     digest, labels = identify(file)
        >>> len(digest)
        32
    """
    size = file.seek(0, os.SEEK_END)
    end = end_of_audio(file, size)
    for limit in (size, end):
        music = MusicFile(file, limit)
        with reported(music), open_audio(SeekableFile(music, LABEL)) as stream:
            if limit == size:
                labels = labels_of(stream.metadata)
            if limit == end or stream.container_name not in FRAMED:  # other demuxers find the tags themselves
                return _hash(stream, size, on_progress), labels


@contextmanager
def reported(file: MusicFile) -> Iterator[None]:
    """Raises the error of a disk or network that failed in the block, which the decoder takes for damage.

    Raises:
        OSError: If reading the file failed.
    """
    try:
        yield
    finally:
        if file.error is not None:
            raise file.error


def _hash(stream: AudioStream, file_bytes: int, on_progress: Callable[[], None]) -> bytes:
    digest, num_bytes = hashlib.sha256(_codec(stream).encode()), 0
    for packet in stream.packets():
        digest.update(memoryview(packet))
        num_bytes += packet.size
        if num_bytes > _FULLEST * file_bytes:
            raise AudioError(f"{LABEL} makes the decoder read in circles. Is it damaged?")
        on_progress()
    if not num_bytes:
        raise AudioError(f"{LABEL} holds no audio. Was it cut off? Copy or export it again.")
    return digest.digest()


def _codec(stream: AudioStream) -> str:
    """What the packets need to be decoded: bare samples state neither their rate nor their channels."""
    if stream.codec.startswith(("pcm_", "dsd_", "adpcm_")):
        return f"{stream.codec} {stream.source_rate_hz} {stream.channels}"
    return stream.codec


def end_of_audio(file: BinaryIO, size: int) -> int:
    """Returns where the ID3v1, APEv2, Lyrics3v2 and ID3v2.4 tags at the end of a file begin, in any order and number.

    Args:
        file: The file; its position changes.
        size: Its number of bytes.

    Example:
        >>> end_of_audio(io.BytesIO(b"audio" + b"TAG" + bytes(125)), 133)
        5
    """
    end = size
    for _ in range(_MAX_TAGS):
        start = max(0, end - 160)
        file.seek(start)
        tail = file.read(end - start)
        begin = end - _tag_bytes(tail)
        if not 0 < begin < end:
            break
        end = begin
    return end


def _tag_bytes(tail: bytes) -> int:
    """Length of the tag that a file ends with; 0 if there is none."""
    if tail[-128:-125] == b"TAG" and len(tail) >= 128:
        return 128
    if tail[-32:-24] == b"APETAGEX":
        size, flags = (int.from_bytes(tail[-32 + at : -28 + at], "little") for at in (12, 20))
        return size + (32 if flags & 1 << 31 else 0)  # the size does not count the header
    if tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    if tail[-10:-7] == b"3DI":
        return 20 + sum(byte << shift for byte, shift in zip(tail[-4:], (21, 14, 7, 0), strict=True))
    return 0


def labels_of(metadata: Mapping[str, str]) -> Labels:
    """Reads artist, album, title and year.

    Args:
        metadata: The file's tags, by FFmpeg's names in any letter case.

    Example:
        >>> labels_of({"ARTIST": "Somebody", "date": "03/1999"})
        Labels(artist='Somebody', album=None, title=None, year=1999)
    """
    found = {name.lower(): text.strip() for name, text in metadata.items()}
    dates = (found.get(name, "") for name in ("originaldate", "originalyear", "date", "year", "wm/year"))
    years = (re.search(r"(?<!\d)[12]\d{3}(?!\d)", date) for date in dates)
    year = next((int(year[0]) for year in years if year), None)
    return Labels(*(found.get(name) or None for name in ("artist", "album", "title")), year)

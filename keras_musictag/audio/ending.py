"""Finds how a file ends: cut off within a packet, or followed by another file or the next link of a chained Ogg."""

import io
import math
import os
from dataclasses import dataclass
from typing import BinaryIO

import av

from keras_musictag.audio.container import HEAD_BYTES, head_after_tags

_MOST_PAGE_BYTES = 65_307  # of an Ogg page
LINK_BORDER_BYTES = 2 * _MOST_PAGE_BYTES  # the most from the start of a link's last packet to the next link
_FEWEST_BAD = 5  # damaged packets for which there is a note; tags and joined files cause single ones
_FRAMED = ("aac", "flac")  # containers without an index whose decoders notice a missing end
_EQUAL = ("ac3", "eac3")  # containers whose packets all have the same size, within two bytes
# Bit rates in kbit/s of MPEG 1, by layer, and of MPEG 2 and 2.5.
_KBITS = {
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
_KBITS_MPEG_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MOST_BOXES = 1000  # that are looked at in an MP4
# The first bytes of files in other formats; an MP4 is recognised by `ftyp` four bytes later.
_BEGINNINGS = (b"RIFF", b"RF64", b"FORM", b"OggS", b"fLaC", b"TTA1", b".snd", b"caff", b"MAC ", b"\x1aE\xdf\xa3")
_FRAMES = (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1", b"\xff\xf9")  # MP3 and AAC


class OffsetFile(io.RawIOBase):
    """The rest of a file object, from one of its bytes on, as a file that FFmpeg can open."""

    def __init__(self, file: BinaryIO, start: int):
        self._file, self._start = file, start
        file.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset + self._start * (whence == os.SEEK_SET), whence) - self._start


@dataclass
class PacketLog:
    """Which packets could be decoded so far, and where the last one is.

    Attributes:
        good: How many could be decoded.
        bad: How many could not be decoded.
        bad_at_the_end: How many could not be decoded since the last good one.
        start: Where the last packet begins, in bytes from the start of the file.
        end: Where the last packet ends, in bytes from the start of the file.
        first_size: Size of the first packet, in bytes.
        first_header: The first four bytes of the first packet.
        last_header: The first four bytes of the last packet.
    """

    good: int = 0
    bad: int = 0
    bad_at_the_end: int = 0
    start: int = 0
    end: int = 0
    first_size: int = 0
    first_header: bytes = b""
    last_header: bytes = b""

    def add(self, packet: av.Packet, is_good: bool, offset: int) -> None:
        """Counts a packet of a container that begins at `offset`."""
        if not packet.size:
            return
        self.last_header = bytes(memoryview(packet)[:4])
        self.first_header = self.first_header or self.last_header
        self.first_size = self.first_size or packet.size
        if packet.pos is not None and packet.pos >= 0:
            self.start, self.end = offset + packet.pos, offset + packet.pos + packet.size
        self.good, self.bad = self.good + is_good, self.bad + (not is_good)
        self.bad_at_the_end = 0 if is_good else self.bad_at_the_end + 1


def damage_note(packets: PacketLog, seconds: float) -> str | None:
    """Returns a sentence if many packets could not be decoded; else None."""
    if packets.bad_at_the_end >= _FEWEST_BAD:
        return f"Nothing after {seconds:.1f} s could be decoded: the last {packets.bad_at_the_end} packets are damaged."
    if packets.bad >= max(_FEWEST_BAD, 0.1 * packets.good):
        return f"{packets.bad} of {packets.good + packets.bad} packets are damaged, and their audio is missing."
    return None


def ending_note(file: BinaryIO, packets: PacketLog, container_name: str) -> str | None:
    """Returns a sentence if a file is certainly cut off, or if more follows that was not decoded; else None.

    Args:
        file: The file; its position changes.
        packets: The log of all its packets.
        container_name: FFmpeg's name of the container.
    """
    num_bytes = file.seek(0, os.SEEK_END)
    if container_name == "ogg":
        return _ogg_note(file, num_bytes)
    # All frames of a stream begin with the same two bytes; if they differ, this is not a frame but, say, a tag.
    if packets.end == num_bytes and packets.first_header.startswith(packets.last_header[:2]):
        size = packets.end - packets.start
        if (
            (container_name == "mp3" and (size < 4 or size < _mpeg_frame_bytes(packets.last_header)))
            or (container_name in _FRAMED and packets.bad_at_the_end == 1)
            or (container_name in _EQUAL and size < packets.first_size - 2)
        ):
            return "The file ends within a packet: it was cut off."
    at = packets.end
    if container_name in ("wav", "aiff"):
        at = max(at, _riff_end(file))  # chunks may come after the audio
    elif container_name.startswith("mov"):
        at = _second_mp4(file, num_bytes)
    if not 0 < at <= num_bytes - 16:
        return None
    head = head_after_tags(file, at)
    if head.startswith(_BEGINNINGS + _FRAMES) or head[4:8] == b"ftyp":
        return f"Another file begins at byte {at} of {num_bytes}, and was not read. Split the file to read both."
    return None


def only_tags_follow(file: BinaryIO, at: int) -> bool:
    """Whether something follows in a file, and all of it is tags, zeros or white space."""
    rest = head_after_tags(file, at)
    is_end = at < file.seek(0, os.SEEK_END) and len(rest) < HEAD_BYTES
    is_tag = rest.startswith((b"TAG", b"LYRICSBEGIN")) or rest[-32:].startswith(b"APETAGEX")
    return is_end and (is_tag or not rest.strip(b"\0\r\n "))


def _mpeg_frame_bytes(header: bytes) -> int:
    """Returns the length of an MP2 or MP3 frame according to its header; 0 if the header does not state it.

    Source: ISO/IEC 11172-3, 2.4.2.3, and 13818-3, 2.4.2.3.
    """
    is_mpeg_1, layer = header[1] >> 3 & 3 == 3, 4 - (header[1] >> 1 & 3)
    kbits_index, rate_index = header[2] >> 4, header[2] >> 2 & 3
    if layer not in (2, 3) or kbits_index in (0, 15) or rate_index == 3:
        return 0
    rate_hz = (44100, 48000, 32000)[rate_index] >> {3: 0, 2: 1, 0: 2, 1: 0}[header[1] >> 3 & 3]
    kbits = (_KBITS[layer] if is_mpeg_1 else _KBITS_MPEG_2)[kbits_index - 1]
    slots = 144 if is_mpeg_1 or layer == 2 else 72
    return slots * 1000 * kbits // rate_hz + (header[2] >> 1 & 1)


def _riff_end(file: BinaryIO) -> int:
    """Returns where a WAV or AIFF ends according to its header; 0 if the header does not state it."""
    file.seek(0)
    head = file.read(8)
    size = int.from_bytes(head[4:8], "little" if head[:4] == b"RIFF" else "big")
    return 8 + size + size % 2 if head[:4] in (b"RIFF", b"FORM") and size else 0


def _second_mp4(file: BinaryIO, num_bytes: int) -> int:
    """Returns where the second `ftyp` box of an MP4 begins; 0 if there is none."""
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(8)
        if at and head[4:8] == b"ftyp":
            return at
        size = int.from_bytes(head[:4], "big")
        at += size
        if size < 8 or at >= num_bytes:
            break
    return 0


def _ogg_note(file: BinaryIO, num_bytes: int) -> str | None:
    start = max(0, num_bytes - 2 * _MOST_PAGE_BYTES)
    file.seek(start)
    tail = file.read()
    found = tail.rfind(b"OggS\0")
    if found < 0:
        return f"At least the last {len(tail)} bytes are not Ogg and were not read."
    page = tail[found:]
    end = 27 + page[26] + sum(page[27 : 27 + page[26]]) if len(page) > 26 else 27
    if end > len(page):
        return "The file ends within an Ogg page: it was cut off."
    if len(page) - end >= 16 and not only_tags_follow(file, start + found + end):
        return f"The last {len(page) - end} bytes are not Ogg and were not read."
    if not page[5] & 4:
        return "The last Ogg page is not marked as the last: the file was cut off, or it was recorded from a broadcast."
    return None


def next_link(file: BinaryIO, after: int, within: float = math.inf) -> int | None:
    """Returns where the next link of a chained Ogg begins.

    Args:
        file: The file; its position changes.
        after: The link must begin after this byte,
        within: and fewer than this many bytes after it.

    Returns:
        The position of a first page, in bytes from the start of the file; None if there is none. A first page has
        "OggS", version 0, the flag for a beginning, position 0 and number 0.
    """
    at = after + 1
    while at < after + within:
        file.seek(at)
        block = file.read(_MOST_PAGE_BYTES)
        found = block.find(b"OggS\0")
        while 0 <= found <= len(block) - 27:
            if block[found + 5] & 2 and not any(block[found + 6 : found + 14] + block[found + 18 : found + 22]):
                return at + found
            found = block.find(b"OggS\0", found + 1)
        if len(block) < _MOST_PAGE_BYTES:
            return None
        at += _MOST_PAGE_BYTES - 26  # a page header may cross the border between two blocks
    return None

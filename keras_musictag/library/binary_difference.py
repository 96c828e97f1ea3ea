"""The difference between two versions of a file, small where they share long pieces: how to make the old from the new.

Writing tags replaces a few bytes and moves the rest: by the growth of the tag, or not at all where padding absorbs it.
The search for shared pieces tries those two shifts first, and then looks nearby, because pictures inside a tag move by
other amounts. Ogg files change in a few bytes per page, so the search also looks past short differences.

A difference is compressed. It consists of records: the position and length of a piece in the new file, the number of
bytes that follow it in the old file only, and those bytes.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from keras_musictag.errors import MusicTagError

RECORD = struct.Struct("<QQQ")
SHORTEST = 32  # bytes: a shared piece that is shorter is not worth a record
LOOK_AHEAD = 64  # bytes past a difference in which a shared piece is searched for
NEARBY = 2**20  # bytes around a position in which a moved piece is searched for
LARGEST_STEP = 4096
LARGEST_READ = 2**20


def difference(old: BinaryIO, new: BinaryIO) -> bytes:
    """Computes how to make the old version of a file from the new one.

    Args:
        old: The old version, open for reading.
        new: The new version, likewise.

    Returns:
        Bytes for `restore`.

    Example:
        >>> import io
        >>> old, new = io.BytesIO(b"A" + bytes(1000)), io.BytesIO(b"BCD" + bytes(1000))
        >>> restored = io.BytesIO()
        >>> restore(difference(old, new), new, restored)
        >>> restored.getvalue() == old.getvalue()
        True
    """
    records, literal, piece = [], bytearray(), (0, 0)
    for start, length, own in _pieces(old, new):
        literal += own
        if length:
            earlier = _shared_ending(literal, new, start)  # the search takes large steps where it finds nothing
            start, length = start - earlier, length + earlier
            del literal[len(literal) - earlier :]
            records.append(RECORD.pack(*piece, len(literal)) + literal)
            piece, literal = (start, length), bytearray()
    records.append(RECORD.pack(*piece, len(literal)) + literal)
    return zlib.compress(b"".join(records), 9)


def restore(recipe: bytes, new: BinaryIO, out: BinaryIO) -> None:
    """Writes the old version of a file.

    Args:
        recipe: What `difference` returned.
        new: The new version, open for reading.
        out: A file to write the old version to.

    Raises:
        MusicTagError: If the recipe is damaged, or was made for another file.
    """
    try:
        records, at = zlib.decompress(recipe), 0
        while at < len(records):
            start, length, own = RECORD.unpack_from(records, at)
            at += RECORD.size
            _copy(new, start, length, out)
            out.write(records[at : at + own])
            at += own
    except (zlib.error, struct.error, EOFError) as error:
        raise MusicTagError(f"the stored difference is damaged ({error})") from error


def _copy(source: BinaryIO, start: int, length: int, out: BinaryIO) -> None:
    source.seek(start)
    while length:
        block = source.read(min(length, LARGEST_READ))
        if not block:
            raise EOFError("the file is shorter than the difference states")
        out.write(block)
        length -= len(block)


def _pieces(old: BinaryIO, new: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Yields position and length of a shared piece in the new file, after bytes that only the old file has."""
    old_bytes, new_bytes = old.seek(0, 2), new.seek(0, 2)
    shifts = [0, new_bytes - old_bytes]
    nearby, at, step = _Nearby(new), 0, LOOK_AHEAD
    while at < old_bytes:
        ahead = _read(old, at, LOOK_AHEAD + SHORTEST)
        found = _known_shift(ahead, new, at, shifts) or nearby.find(ahead[:SHORTEST], at)
        if found is None:
            yield 0, 0, _read(old, at, step)
            at += step
            step = min(
                2 * step, LARGEST_STEP
            )  # without this, a large table in which every entry changes would take minutes
            continue
        skipped, shift = found
        shifts = [shift, *(other for other in shifts if other != shift)][:4]
        start = at + skipped
        length = _shared_length(old, new, start, start + shift)
        yield start + shift, length, ahead[:skipped]
        at, step = start + length, LOOK_AHEAD


def _known_shift(ahead: bytes, new: BinaryIO, at: int, shifts: list[int]) -> tuple[int, int] | None:
    """Finds the nearest shared piece under a known shift: the bytes to skip, and the shift."""
    found = []
    for shift in shifts:
        if at + shift < 0:
            continue
        other = _read(new, at + shift, len(ahead))
        for skip in range(min(LOOK_AHEAD, len(ahead))):
            wanted = ahead[skip : skip + SHORTEST]
            if other[skip : skip + len(wanted)] == wanted:
                found.append((skip, shift))
                break
    return min(found, key=lambda pair: pair[0]) if found else None


class _Nearby:
    """Finds bytes of the old file that moved in the new one."""

    def __init__(self, new: BinaryIO):
        self._new, self._middle, self._start, self._window = new, None, 0, b""

    def find(self, wanted: bytes, at: int) -> tuple[int, int] | None:
        if self._middle is None or abs(at - self._middle) > NEARBY // 2:
            self._middle, self._start = at, max(0, at - NEARBY)
            self._window = _read(self._new, self._start, 2 * NEARBY + SHORTEST)
        found = self._window.find(wanted)
        return None if found < 0 or len(wanted) < SHORTEST else (0, self._start + found - at)


def _shared_length(old: BinaryIO, new: BinaryIO, old_at: int, new_at: int) -> int:
    length, size = 0, 4096
    while True:
        a, b = _read(old, old_at + length, size), _read(new, new_at + length, size)
        if a != b or not a:
            shortest = min(len(a), len(b))
            differs = np.frombuffer(a, np.uint8, shortest) != np.frombuffer(b, np.uint8, shortest)
            return length + (int(differs.argmax()) if differs.any() else shortest)
        length += len(a)
        size = min(2 * size, LARGEST_READ)


def _shared_ending(literal: bytes, new: BinaryIO, start: int) -> int:
    """The number of bytes at the end of a literal that are also in the new file before a position."""
    size = min(len(literal), start, LARGEST_STEP + LOOK_AHEAD)
    before, ending = _read(new, start - size, size), literal[len(literal) - size :]
    return next((n for n in range(size) if before[-1 - n] != ending[-1 - n]), size)


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)

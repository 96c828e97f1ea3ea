"""The TFRecord file format without TensorFlow: length, its CRC, payload, its CRC.

Source: tensorflow/core/lib/io/record_writer.h and tensorflow/core/lib/hash/crc32c.h (TensorFlow 2.20).
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from keras_musictag.errors import RecordsError
from keras_musictag.records.wording import REPAIR

HEADER_BYTES = 12  # uint64 length of the payload, uint32 masked CRC of these eight bytes
FOOTER_BYTES = 4  # uint32 masked CRC of the payload


def _masked_crc(data: bytes) -> int:
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def frame(payload: bytes) -> bytes:
    """The bytes of one record in a file: header, payload, footer.

    Example:
        >>> len(frame(b"12345"))
        21
    """
    length = struct.pack("<Q", len(payload))
    return b"".join((length, struct.pack("<I", _masked_crc(length)), payload, struct.pack("<I", _masked_crc(payload))))


def read_at(file: BinaryIO, offset: int, name: str) -> bytes | None:
    """The payload of the record that begins at `offset`; None at the end of the file.

    Args:
        file: An open TFRecord file.
        offset: Where the record begins, bytes.
        name: What messages call the file.

    Raises:
        RecordsError: If the record is damaged or cut short.
    """
    file.seek(offset)
    header = file.read(HEADER_BYTES)
    if not header:
        return None
    where = f"{name}, record at byte {offset}"
    if len(header) < HEADER_BYTES:
        raise RecordsError(f"{where}: the file ends within the record. {REPAIR}")
    length, crc = struct.unpack("<QI", header)
    if _masked_crc(header[:8]) != crc:
        raise RecordsError(f"{where}: the checksum of its length is wrong. {REPAIR}")
    body = file.read(length + FOOTER_BYTES)
    if len(body) < length + FOOTER_BYTES:
        raise RecordsError(f"{where}: the file ends within the record. {REPAIR}")
    payload = body[:length]
    if struct.unpack("<I", body[length:]) != (_masked_crc(payload),):
        raise RecordsError(f"{where}: the checksum of its content is wrong. {REPAIR}")
    return payload


def read_records(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yields the offset, bytes, and the payload of every record of a file, in order.

    Raises:
        FileNotFoundError: If there is no such file.
        RecordsError: At the first record that is damaged or cut short.
    """
    offset = 0
    with open(path, "rb") as file:
        while (payload := read_at(file, offset, path.name)) is not None:
            yield offset, payload
            offset += HEADER_BYTES + len(payload) + FOOTER_BYTES

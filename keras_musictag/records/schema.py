"""What a record holds and how it is stored: one versioned `tf.train.Example` layout, in TFRecord files.

Written and read without TensorFlow.

| feature | type | content |
| --- | --- | --- |
| `version` | int64 | `VERSION` |
| `track_index` | int64 | position in `tracks.csv`, from 0 |
| `track_id` | bytes | UTF-8; bytes of a file name that are not UTF-8 stay as they are |
| `part` | bytes | "train", "valid" or "test" |
| `subset` | bytes | what is reported separately within a part; mostly empty |
| `labels` | int64 (tags,) | 1 if the tag applies, else 0 |
| `sample_rate_hz` | int64 | sample rate of the decoded samples, Hz |
| `num_samples` | int64 | number of decoded samples |
| `pcm` | bytes | the samples, int16, little-endian, mono (storage "pcm") |
| `source` | bytes | the compressed file as it was (storage "source") |
| `features` | bytes | float32, little-endian, (frames, bands) of a front end; only if requested |
| `features_shape` | int64 (2,) | frames, bands |

Source of the file format (length, its CRC, payload, its CRC): tensorflow/core/lib/io/record_writer.h and
tensorflow/core/lib/hash/crc32c.h (TensorFlow 2.20).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

import google_crc32c
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from keras_musictag.choices import STORAGES
from keras_musictag.errors import RecordsError

# how messages about damaged files end
MAKE_AGAIN = "run the same `keras-musictag prepare` command: it writes only what is missing."
REPAIR = f"Copy the file again, or delete it and {MAKE_AGAIN}"

HEADER_BYTES = 12  # uint64 length of the payload, uint32 masked CRC of these eight bytes
FOOTER_BYTES = 4  # uint32 masked CRC of the payload


def _masked_crc(data: bytes) -> int:
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def to_tfrecord(payload: bytes) -> bytes:
    """The bytes of one record in a file: header, payload, footer.

    Example:
        >>> len(to_tfrecord(b"12345"))
        21
    """
    length = struct.pack("<Q", len(payload))
    return b"".join((length, struct.pack("<I", _masked_crc(length)), payload, struct.pack("<I", _masked_crc(payload))))


def read_at(file: BinaryIO, offset: int, name: str) -> bytes | None:
    """The payload of the record that starts at `offset`; None at the end of the file.

    Args:
        file: An open TFRecord file.
        offset: Start of the record, bytes.
        name: The file's name in messages.

    Raises:
        RecordsError: If the record is damaged or cut short.
    """
    file.seek(offset)
    header = file.read(HEADER_BYTES)
    if not header:
        return None
    where = f"{name}, record at byte {offset}"
    if len(header) < HEADER_BYTES:
        raise RecordsError(f"{where}: the file ends inside the record. {REPAIR}")
    length, crc = struct.unpack("<QI", header)
    if _masked_crc(header[:8]) != crc:
        raise RecordsError(f"{where}: the checksum of its length is wrong. {REPAIR}")
    body = file.read(length + FOOTER_BYTES)
    if len(body) < length + FOOTER_BYTES:
        raise RecordsError(f"{where}: the file ends inside the record. {REPAIR}")
    payload = body[:length]
    if struct.unpack("<I", body[length:]) != (_masked_crc(payload),):
        raise RecordsError(f"{where}: the checksum of its content is wrong. {REPAIR}")
    return payload


def read_records(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yields the offset (bytes) and the payload of every record of a file, in order.

    Raises:
        FileNotFoundError: If the file does not exist.
        RecordsError: At the first record that is damaged or cut short.
    """
    offset = 0
    with open(path, "rb") as file:
        while (payload := read_at(file, offset, path.name)) is not None:
            yield offset, payload
            offset += HEADER_BYTES + len(payload) + FOOTER_BYTES


VERSION = 1
SAMPLE_RATE_HZ = 16000  # every published tagger takes 16 kHz
PARTS = ("train", "valid", "test")
TEXT_CODEC = ("utf-8", "surrogateescape")  # a file name need not be UTF-8, and a track may be named after it


@dataclass(frozen=True, eq=False)
class Record:
    """One track as it is stored.

    Attributes:
        track_index: Position in the dataset, from 0.
        track_id: Its name in the dataset.
        part: One of `PARTS`.
        subset: A group within the part that is reported separately, or "".
        labels: Int64 (tags,), 1 if the tag applies, else 0.
        sample_rate_hz: Sample rate of the decoded samples, Hz.
        num_samples: Number of decoded samples.
        storage: One of `STORAGES`.
        audio: The samples as int16 bytes, or the compressed file.
        features: Float32 (frames, bands) of a front end, or None.
    """

    track_index: int
    track_id: str
    part: str
    subset: str
    labels: np.ndarray
    sample_rate_hz: int
    num_samples: int
    storage: str
    audio: bytes
    features: np.ndarray | None = None


def to_pcm(samples: np.ndarray) -> np.ndarray:
    """Float samples -> int16, the inverse of `audio.to_floats`: 16-bit sources survive bit for bit.

    Example:
        >>> to_pcm(np.array([0.5, -1.0, 1.0], np.float32)).tolist()
        [16384, -32768, 32767]
    """
    return np.clip(np.rint(samples * np.float32(32768)), -32768, 32767).astype("<i2")


def encode(record: Record) -> bytes:
    """A record -> the bytes of its `tf.train.Example`, always the same for the same record."""
    example = _example_class()()
    feature = example.features.feature
    for name in ("track_index", "sample_rate_hz", "num_samples"):
        feature[name].int64_list.value.append(getattr(record, name))
    for name in ("track_id", "part", "subset"):
        feature[name].bytes_list.value.append(getattr(record, name).encode(*TEXT_CODEC))
    feature["version"].int64_list.value.append(VERSION)
    feature["labels"].int64_list.value.extend(record.labels.tolist())
    feature[record.storage].bytes_list.value.append(record.audio)
    if record.features is not None:
        feature["features"].bytes_list.value.append(record.features.astype("<f4").tobytes())
        feature["features_shape"].int64_list.value.extend(record.features.shape)
    return example.SerializeToString(deterministic=True)


def decode(payload: bytes) -> Record:
    """The bytes of a `tf.train.Example` -> the record.

    Raises:
        RecordsError: If the bytes are not such an Example, or of another version.

    Example:
        >>> labels = np.array([0, 1])
        >>> record = Record(0, "a", "train", "", labels, 16000, 2, "pcm", bytes(4))
        >>> decode(encode(record)).labels
        array([0, 1])
    """
    try:
        feature = _example_class().FromString(payload).features.feature
    except DecodeError as error:
        raise RecordsError("A record is not a tf.train.Example. Was the file written by another program?") from error
    values = {name: _values(content) for name, content in feature.items()}
    if values.get("version") != [VERSION]:
        raise RecordsError(
            f"A record must have version {VERSION}. Received: {values.get('version')}. "
            "Prepare the dataset again with this version of the package."
        )
    try:
        storage = next(name for name in STORAGES if name in values)
        return Record(
            **{name: values[name][0] for name in ("track_index", "sample_rate_hz", "num_samples")},
            **{name: values[name][0].decode(*TEXT_CODEC) for name in ("track_id", "part", "subset")},
            labels=np.array(values["labels"], np.int64),
            storage=storage,
            audio=values[storage][0],
            features=_features(values),
        )
    except (KeyError, IndexError, StopIteration, ValueError) as error:
        raise RecordsError(f"A record has a missing or invalid feature of version {VERSION}: {error!r}.") from error


def _features(values: dict[str, list]) -> np.ndarray | None:
    if "features" not in values:
        return None
    return np.frombuffer(values["features"][0], "<f4").reshape(values["features_shape"])


def _values(content) -> list:
    kind = content.WhichOneof("kind")
    return list(getattr(content, kind).value) if kind else []


@cache
def _example_class():
    """The message class of `tf.train.Example`, in a separate pool, as TensorFlow registers the same names.

    Source: tensorflow/core/example/example.proto and feature.proto (TensorFlow 2.20).
    """
    field, types = (
        descriptor_pb2.FieldDescriptorProto,
        {"bytes": 12, "float": 2, "int64": 3, "string": 9, "message": 11},
    )
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="tensorflow", syntax="proto3")

    def add_field(message, name, number, type_, type_name=None, repeated=False, oneof=None):
        added = message.field.add(name=name, number=number, type=types[type_])
        added.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
        if type_name:
            added.type_name = f".tensorflow.{type_name}"
        if oneof is not None:
            added.oneof_index = oneof

    feature = descriptor_pb2.DescriptorProto(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, kind in enumerate(("bytes", "float", "int64"), start=1):
        values = file.message_type.add(name=f"{kind.title()}List")
        add_field(values, "value", 1, kind, repeated=True)
        add_field(feature, f"{kind}_list", number, "message", values.name, oneof=0)
    file.message_type.append(feature)
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    add_field(entry, "key", 1, "string")
    add_field(entry, "value", 2, "message", "Feature")
    add_field(features, "feature", 1, "message", "Features.FeatureEntry", repeated=True)
    add_field(file.message_type.add(name="Example"), "features", 1, "message", "Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))

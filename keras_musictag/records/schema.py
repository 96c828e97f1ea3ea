"""What a record holds: one `tf.train.Example` layout, with a version. Written and read without TensorFlow.

| feature | type | content |
| --- | --- | --- |
| `version` | int64 | `VERSION` |
| `track_index` | int64 | position in `tracks.csv`, from 0 |
| `track_id` | bytes | UTF-8; bytes of a file name that are none stay as they are |
| `part` | bytes | "train", "valid" or "test" |
| `subset` | bytes | what is reported apart within a part; mostly empty |
| `labels` | int64 (tags,) | 1 where the tag applies, else 0 |
| `sample_rate_hz` | int64 | of the decoded samples |
| `num_samples` | int64 | of the decoded samples |
| `pcm` | bytes | the samples, int16, little-endian, mono (storage "pcm") |
| `source` | bytes | the compressed file as it was (storage "source") |
| `features` | bytes | float32, little-endian, (frames, bands) of a front end; only where asked for |
| `features_shape` | int64 (2,) | frames, bands |
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from keras_musictag.errors import RecordsError

VERSION = 1
SAMPLE_RATE_HZ = 16000  # every published tagger of the field hears 16 kHz
STORAGES = ("pcm", "source")
PARTS = ("train", "valid", "test")
TEXT = ("utf-8", "surrogateescape")  # a file may have a name that is no UTF-8, and a track be called after it


@dataclass(frozen=True, eq=False)
class Record:
    """One track as it is stored.

    Attributes:
        track_index: Position in the dataset, from 0.
        track_id: Its name in the dataset.
        part: One of `PARTS`.
        subset: What is reported apart within a part, or "".
        labels: Int64 (tags,), 1 where the tag applies, else 0.
        sample_rate_hz: Of the decoded samples, Hz.
        num_samples: How many decoded samples there are.
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
    """Float samples -> int16, as `audio.array.to_floats` reads them back: 16-bit sources survive to the bit.

    Example:
        >>> to_pcm(np.array([0.5, -1.0, 1.0], np.float32)).tolist()
        [16384, -32768, 32767]
    """
    return np.clip(np.rint(samples * np.float32(32768)), -32768, 32767).astype("<i2")


def encode(record: Record) -> bytes:
    """A record -> the bytes of its `tf.train.Example`, the same bytes whenever the record is the same."""
    example = _example_class()()
    feature = example.features.feature
    for name in ("track_index", "sample_rate_hz", "num_samples"):
        feature[name].int64_list.value.append(getattr(record, name))
    for name in ("track_id", "part", "subset"):
        feature[name].bytes_list.value.append(getattr(record, name).encode(*TEXT))
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
        RecordsError: If the bytes are no such Example, or of another version.

    Example:
        >>> labels = np.array([0, 1])
        >>> record = Record(0, "a", "train", "", labels, 16000, 2, "pcm", bytes(4))
        >>> decode(encode(record)).labels
        array([0, 1])
    """
    try:
        feature = _example_class().FromString(payload).features.feature
    except DecodeError as error:
        raise RecordsError("A record is no tf.train.Example. Was the file written by another program?") from error
    values = {name: _values(content) for name, content in feature.items()}
    if values.get("version") != [VERSION]:
        raise RecordsError(
            f"A record must be of version {VERSION}. Received: {values.get('version')}. "
            "Prepare the dataset again with this version of the package."
        )
    try:
        storage = next(name for name in STORAGES if name in values)
        return Record(
            **{name: values[name][0] for name in ("track_index", "sample_rate_hz", "num_samples")},
            **{name: values[name][0].decode(*TEXT) for name in ("track_id", "part", "subset")},
            labels=np.array(values["labels"], np.int64),
            storage=storage,
            audio=values[storage][0],
            features=_features(values),
        )
    except (KeyError, IndexError, StopIteration, ValueError) as error:
        raise RecordsError(
            f"A record lacks a feature of version {VERSION}, or holds a wrong one: {error!r}."
        ) from error


def _features(values: dict[str, list]) -> np.ndarray | None:
    if "features" not in values:
        return None
    return np.frombuffer(values["features"][0], "<f4").reshape(values["features_shape"])


def _values(content) -> list:
    kind = content.WhichOneof("kind")
    return list(getattr(content, kind).value) if kind else []


@cache
def _example_class():
    """The message class of `tf.train.Example`, in a pool of its own: TensorFlow registers the same names.

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

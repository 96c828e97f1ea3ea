from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from keras_musictag.audio import to_floats
from keras_musictag.errors import RecordsError
from keras_musictag.records.schema import Record, decode, encode, to_pcm

FEATURES = np.arange(6, dtype=np.float32).reshape(3, 2) / 7


def record(**changes) -> Record:
    facts = {
        "track_index": 70000,
        "track_id": "träck 1",
        "part": "valid",
        "subset": "unseen",
        "labels": np.array([0, 1, 1]),
        "sample_rate_hz": 16000,
        "num_samples": 3,
        "storage": "pcm",
        "audio": np.array([1, -2, 32767], "<i2").tobytes(),
    }
    return Record(**{**facts, **changes})


def as_dict(record: Record) -> dict:
    """For comparisons: arrays as lists."""
    values = dict(record.__dict__)
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}


@pytest.mark.parametrize("changes", [{}, {"storage": "source", "audio": b"\xff\x00mp3"}, {"features": FEATURES}])
def test_decoding_inverts_encoding(changes):
    original = record(**changes)
    assert as_dict(decode(encode(original))) == as_dict(original)


def test_features_keep_shape_and_type():
    features = decode(encode(record(features=FEATURES))).features
    assert (features.dtype, features.shape) == (np.float32, (3, 2))


def test_a_name_that_is_not_utf8_survives():
    name = b"caf\xe9 \xff".decode("utf-8", "surrogateescape")
    assert decode(encode(record(track_id=name))).track_id == name


def test_tensorflow_reads_an_example_of_ours():
    example = tf.train.Example.FromString(encode(record(features=FEATURES)))
    feature = example.features.feature
    assert sorted(feature) == sorted(
        "version track_index track_id part subset labels sample_rate_hz num_samples pcm features features_shape".split()
    )
    assert feature["version"].int64_list.value == [1]
    assert feature["labels"].int64_list.value == [0, 1, 1]
    assert feature["track_id"].bytes_list.value == ["träck 1".encode()]
    np.testing.assert_array_equal(np.frombuffer(feature["features"].bytes_list.value[0], "<f4"), FEATURES.ravel())
    parsed = tf.io.parse_single_example(encode(record()), {"pcm": tf.io.FixedLenFeature([], tf.string)})
    assert tf.io.decode_raw(parsed["pcm"], tf.int16).numpy().tolist() == [1, -2, 32767]


def test_we_read_an_example_of_tensorflow():
    def ints(*values):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    def text(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    feature = {
        **{"version": ints(1), "track_index": ints(70000), "sample_rate_hz": ints(16000), "num_samples": ints(3)},
        **{"labels": ints(0, 1, 1), "track_id": text("träck 1".encode()), "part": text(b"valid")},
        **{"subset": text(b"unseen"), "pcm": text(record().audio)},
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    assert as_dict(decode(example.SerializeToString())) == as_dict(record())


def test_equal_records_have_equal_bytes():
    assert encode(record()) == encode(record()) != encode(record(track_index=1))


@pytest.mark.parametrize(
    ("payload", "match"),
    [
        (b"\xff\xff\xff", "not a tf.train.Example"),
        (b"", "must have version 1. Received: None"),
        (
            encode(record()).replace(b"num_samples", b"num_sampled"),
            "missing or invalid feature of version 1.*num_samples",
        ),
        (encode(record()).replace(b"\x03pcm", b"\x03mcp"), "missing or invalid feature of version 1"),
    ],
)
def test_bytes_that_are_not_a_record_are_refused(payload, match):
    with pytest.raises(RecordsError, match=match):
        decode(payload)


def test_another_version_is_refused(monkeypatch):
    monkeypatch.setattr("keras_musictag.records.schema.VERSION", 2)
    payload = encode(record())
    monkeypatch.undo()
    with pytest.raises(RecordsError, match=r"version 1. Received: \[2\]"):
        decode(payload)


def test_features_of_another_shape_are_refused():
    broken = replace(record(), features=np.zeros((2, 3), np.float32))
    payload = encode(broken)
    shape = payload.index(b"features_shape") + len(b"features_shape")
    at = payload.index(bytes([2, 3]), shape)
    with pytest.raises(RecordsError, match="reshape"):
        decode(payload[:at] + bytes([2, 4]) + payload[at + 2 :])


def test_16_bit_audio_survives_bit_for_bit():
    every = np.arange(-32768, 32768).astype(np.int16)
    np.testing.assert_array_equal(to_pcm(to_floats(every)), every)


def test_loud_samples_are_clipped_and_others_rounded():
    samples = np.array([1.5, -1.5, 0.6 / 32768, -0.6 / 32768, 0.4 / 32768], np.float32)
    assert to_pcm(samples).tolist() == [32767, -32768, 1, -1, 0]

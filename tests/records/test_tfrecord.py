import io

import numpy as np
import pytest
import tensorflow as tf

from keras_musictag.errors import RecordsError
from keras_musictag.records.schema import read_at, read_records, to_tfrecord

PAYLOADS = [b"", b"a", b"music" * 1000, bytes(range(256)) * 300]


def test_tensorflow_reads_what_we_write(tmp_path):
    path = tmp_path / "ours.tfrecord"
    path.write_bytes(b"".join(map(to_tfrecord, PAYLOADS)))
    assert [item.numpy() for item in tf.data.TFRecordDataset(str(path))] == PAYLOADS


def test_we_write_the_bytes_that_tensorflow_writes(tmp_path):
    path = tmp_path / "theirs.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for payload in PAYLOADS:
            writer.write(payload)
    assert path.read_bytes() == b"".join(map(to_tfrecord, PAYLOADS))
    offsets, payloads = zip(*read_records(path), strict=True)
    assert list(payloads) == PAYLOADS
    assert offsets == tuple(np.cumsum([0, *(len(p) + 16 for p in PAYLOADS[:-1])]))


@pytest.mark.parametrize("byte", range(12 + 5 + 4))
def test_a_flipped_bit_is_found_and_located(byte):
    data = bytearray(to_tfrecord(b"first") + to_tfrecord(b"12345"))
    data[21 + byte] ^= 0x10
    file = io.BytesIO(bytes(data))
    assert read_at(file, 0, "x.tfrecord") == b"first"
    what = "length" if byte < 12 else "content"
    with pytest.raises(RecordsError, match=rf"x\.tfrecord, record at byte 21: the checksum of its {what} is wrong"):
        read_at(file, 21, "x.tfrecord")


@pytest.mark.parametrize("size", [1, 11, 12, 16, 20])
def test_a_shortened_file_is_an_error(tmp_path, size):
    path = tmp_path / "cut.tfrecord"
    path.write_bytes(to_tfrecord(b"whole") + to_tfrecord(b"12345")[:size])
    records = read_records(path)
    assert next(records) == (0, b"whole")
    with pytest.raises(RecordsError, match=r"cut\.tfrecord, record at byte 21: the file ends inside the record"):
        next(records)


def test_an_empty_file_holds_no_record(tmp_path):
    (tmp_path / "empty.tfrecord").touch()
    assert list(read_records(tmp_path / "empty.tfrecord")) == []

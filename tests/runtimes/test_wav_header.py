import struct

import tensorflow as tf

from keras_musictag.runtimes.formats._savedmodel_wav import find_chunks, is_wav, read_format

FORMAT = struct.pack("<HHIIHH", 1, 2, 44100, 176400, 4, 16)
FILE = (
    b"RIFF"
    + struct.pack("<I", 58)
    + b"WAVE"
    + b"odd \x01\0\0\0x\0"
    + b"fmt \x10\0\0\0"
    + FORMAT
    + b"data\x0c\0\0\0"
    + bytes(8)
)


def test_chunks_are_found_where_they_were_written():
    fmt, data = find_chunks(tf.constant(FILE))
    assert [*map(int, fmt)] == [12 + 10 + 8, 16, 16]
    assert [*map(int, data)] == [12 + 10 + 24 + 8, 8, 12]  # four bytes are missing
    assert FILE[30:46] == FORMAT
    assert [*map(int, read_format(tf.constant(FILE), fmt))] == [1, 2, 44100, 16]


def test_a_missing_chunk_has_no_position():
    fmt, data = find_chunks(tf.constant(FILE[:46]))
    assert int(fmt.begin) == 30 and [*map(int, data)] == [0, 0, 0]


def test_the_code_of_an_extensible_format_comes_later():
    extensible = b"\xfe\xff" + FORMAT[2:] + bytes([22, 0]) + bytes(6) + b"\x03\0" + bytes(14)
    file = FILE[:26] + struct.pack("<I", 40) + extensible + FILE[46:]
    fmt, _ = find_chunks(tf.constant(file))
    assert [*map(int, read_format(tf.constant(file), fmt))] == [3, 2, 44100, 16]
    assert int(read_format(tf.constant(file), fmt._replace(size=tf.constant(24))).code) not in (1, 3)


def test_a_wav_file_is_recognised_by_its_first_twelve_bytes():
    found = [bool(is_wav(tf.constant(file))) for file in (FILE, FILE[:12], FILE[:11], b"", b"RIFX" + FILE[4:])]
    assert found == [True, True, False, False, False]

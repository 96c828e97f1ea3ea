"""A WAV file's bytes -> its format, and where its samples lie, on a TensorFlow graph.

TensorFlow's own decoder refuses the extensible header and files whose writer did not know their length, and its
messages speak of its own insides.
"""

from typing import NamedTuple

import tensorflow as tf

EXTENSIBLE = 0xFFFE  # the code of a format whose own code comes later
FORMAT_BYTES = 26  # of a `fmt ` chunk, up to that later code
NO_LENGTH = 0x7FFFF000  # from here on a length is a stand-in, such as sox's: no message of a server is so long
MAX_CHUNKS = 1000  # a song has a few; megabytes of empty ones would keep a server busy


class Span(NamedTuple):
    """The body of a chunk: int32 scalars, zeros where the file has no such chunk.

    Attributes:
        begin: Of its bytes in the file.
        size: Bytes that are there.
        stated: Bytes that the file says there are.
    """

    begin: tf.Tensor
    size: tf.Tensor
    stated: tf.Tensor


class Format(NamedTuple):
    """What a `fmt ` chunk says: int32 scalars; `code` is 1 for PCM."""

    code: tf.Tensor
    channels: tf.Tensor
    rate_hz: tf.Tensor
    bits: tf.Tensor


def is_wav(wav: tf.Tensor) -> tf.Tensor:
    """Bool scalar: whether a file begins as a WAV file does."""
    head = tf.strings.join([tf.strings.substr(wav, 0, 12), "." * 12])  # of any file as many bytes
    return (tf.strings.substr(head, 0, 4) == "RIFF") & (tf.strings.substr(head, 8, 4) == "WAVE")


def find_chunks(wav: tf.Tensor) -> tuple[Span, Span]:
    """Where the chunks `fmt ` and `data` lie; what comes after `data` is not looked at.

    Args:
        wav: String scalar for which `is_wav` holds.

    Returns:
        `(fmt, data)`, of which `fmt` comes before `data`.
    """
    end = tf.strings.length(wav)
    riff = _int32(wav, 4)

    def step(at, fmt, data):
        name, stated = tf.strings.substr(wav, at, 4), _int32(wav, at + 4)
        begin, is_data = at + 8, name == "data"
        unclosed = is_data & (stated == 0) & (riff <= at)  # RIFF ends before the samples that are there
        unknown = unclosed | (stated < 0) | (stated >= NO_LENGTH)  # 0xFFFFFFFF is -1
        stated = tf.where(unknown, end - begin, stated)
        size = tf.minimum(stated, end - begin)
        found = tf.stack([begin, size, stated])
        after = tf.where(is_data, end, begin + size + size % 2)  # chunks are filled up to even lengths
        return after, tf.where(name == "fmt ", found, fmt), tf.where(is_data, found, data)

    start = (tf.constant(12), tf.zeros(3, tf.int32), tf.zeros(3, tf.int32))
    _, fmt, data = tf.while_loop(
        lambda at, *_: at + 8 <= end, step, start, parallel_iterations=1, maximum_iterations=MAX_CHUNKS
    )
    return Span(*tf.unstack(fmt)), Span(*tf.unstack(data))


def read_format(wav: tf.Tensor, fmt: Span) -> Format:
    """Reads a `fmt ` chunk of any length; what it lacks is no valid format.

    Args:
        wav: String scalar.
        fmt: The chunk, of `find_chunks`.
    """
    body = tf.strings.join([tf.strings.substr(wav, fmt.begin, fmt.size), "." * FORMAT_BYTES])
    fields = tf.io.decode_raw(tf.strings.substr(body, 0, FORMAT_BYTES), tf.uint16)
    fields = tf.unstack(tf.cast(tf.ensure_shape(fields, [FORMAT_BYTES // 2]), tf.int32))
    code = tf.where(fields[0] == EXTENSIBLE, fields[12], fields[0])
    return Format(code, fields[1], fields[2] + fields[3] * 2**16, fields[7])


def _int32(text: tf.Tensor, at) -> tf.Tensor:
    return tf.io.decode_raw(tf.strings.substr(text, at, 4), tf.int32)[0]

"""The bytes of a WAV file -> a mono waveform at the network's sample rate, on a TensorFlow graph, for servers.

The header is read here because TensorFlow's decoder refuses the extensible header and files whose writer did not know
their length, and its messages describe its internals.

Servers have no soxr, so `resample` is a windowed sinc, polyphase, as one strided convolution. Its pass band and stop
band are those of soxr's HQ, which the package uses elsewhere, so that scores agree: flat up to 0.912 of the lower
rate's Nyquist frequency, 109 dB down from that frequency on.
"""

import math
from functools import partial
from typing import NamedTuple

import numpy as np
import tensorflow as tf

PASS_BAND = 0.912  # of the lower Nyquist frequency, as soxr's HQ
HALF_SAMPLES = 80  # of the lower rate: with the beta below, the transition then ends at the Nyquist frequency
KAISER_BETA = 11.05  # 109 dB in the stop band, below the rounding of 16-bit samples


def resample(samples: tf.Tensor, from_hz: int, to_hz: int) -> tf.Tensor:
    """Changes the sample rate of a whole mono waveform, with silence before and after it.

    Args:
        samples: Float32 (samples,).
        from_hz: Its sample rate, Hz.
        to_hz: The new sample rate, Hz.

    Returns:
        Float32 (round(samples * to_hz / from_hz),), which may be empty.

    Example:
        >>> resample(tf.zeros(44100), 44100, 16000).shape
        TensorShape([16000])
    """
    if from_hz == to_hz:
        return samples
    kernel, step, before = polyphase_kernel(from_hz, to_hz)
    width, _, phases = kernel.shape
    length = tf.size(samples, out_type=tf.int64)
    wanted = (length * phases + step // 2) // step  # rounded
    groups = (wanted + phases - 1) // phases  # of `phases` samples that start `step` samples apart
    after = (groups - 1) * step + width - before - length
    padded = tf.pad(samples, [[before, after]])
    grouped = tf.nn.conv1d(padded[None, :, None], kernel, stride=step, padding="VALID")  # (1, groups, phases)
    return tf.reshape(grouped, [-1])[:wanted]


def polyphase_kernel(from_hz: int, to_hz: int) -> tuple[np.ndarray, int, int]:
    """Computes the filter of `resample`.

    Returns:
        `(kernel, step, before)`: float32 (width, 1, phases), one filter for each position of an output sample between
        input samples; the number of input samples from one group of `phases` outputs to the next; and the number of
        samples before a group where its filters begin.
    """
    divisor = math.gcd(from_hz, to_hz)
    step, phases = from_hz // divisor, to_hz // divisor
    lower = min(1.0, to_hz / from_hz)  # the lower rate, in samples per input sample
    half = HALF_SAMPLES / lower
    before = math.ceil(half)
    taps = np.arange(before + step + before + 1) - before
    offset = np.arange(phases) * step / phases - taps[:, None]  # from each tap to each output, in input samples
    cutoff = lower * (1 + PASS_BAND) / 2  # the middle of the transition
    window = np.i0(KAISER_BETA * np.sqrt(np.clip(1 - (offset / half) ** 2, 0, None))) * (abs(offset) <= half)
    kernel = cutoff * np.sinc(cutoff * offset) * window
    kernel /= kernel.sum(axis=0)  # a constant stays the same in every phase
    return kernel[:, None, :].astype(np.float32), step, before


EXTENSIBLE = 0xFFFE  # this code means that the format's own code comes later
FORMAT_BYTES = 26  # of a `fmt ` chunk, up to and including that later code
NO_LENGTH = 0x7FFFF000  # lengths from here on are placeholders, such as sox's: no server accepts such long messages
MAX_CHUNKS = 1000  # a song has a few; megabytes of empty chunks would keep a server busy


class Span(NamedTuple):
    """The body of a chunk: int32 scalars, zeros if the file has no such chunk.

    Attributes:
        begin: Position of its first byte in the file.
        size: Number of bytes that the file holds.
        stated: Number of bytes that the header states.
    """

    begin: tf.Tensor
    size: tf.Tensor
    stated: tf.Tensor


class Format(NamedTuple):
    """The content of a `fmt ` chunk: int32 scalars; `code` is 1 for PCM."""

    code: tf.Tensor
    channels: tf.Tensor
    rate_hz: tf.Tensor
    bits: tf.Tensor


def is_wav(wav: tf.Tensor) -> tf.Tensor:
    """Bool scalar: whether a file begins like a WAV file."""
    head = tf.strings.join([tf.strings.substr(wav, 0, 12), "." * 12])  # at least this many bytes for any file
    return (tf.strings.substr(head, 0, 4) == "RIFF") & (tf.strings.substr(head, 8, 4) == "WAVE")


def find_chunks(wav: tf.Tensor) -> tuple[Span, Span]:
    """Finds the chunks `fmt ` and `data`; ignores everything after `data`.

    Args:
        wav: String scalar for which `is_wav` holds.

    Returns:
        `(fmt, data)`; `fmt` comes before `data`.
    """
    end = tf.strings.length(wav)
    riff = _int32(wav, 4)

    def step(at, fmt, data):
        name, stated = tf.strings.substr(wav, at, 4), _int32(wav, at + 4)
        begin, is_data = at + 8, name == "data"
        unclosed = is_data & (stated == 0) & (riff <= at)  # RIFF states an end before the samples
        unknown = unclosed | (stated < 0) | (stated >= NO_LENGTH)  # 0xFFFFFFFF is -1
        stated = tf.where(unknown, end - begin, stated)
        size = tf.minimum(stated, end - begin)
        found = tf.stack([begin, size, stated])
        after = tf.where(is_data, end, begin + size + size % 2)  # chunks are padded to even lengths
        return after, tf.where(name == "fmt ", found, fmt), tf.where(is_data, found, data)

    start = (tf.constant(12), tf.zeros(3, tf.int32), tf.zeros(3, tf.int32))
    _, fmt, data = tf.while_loop(
        lambda at, *_: at + 8 <= end, step, start, parallel_iterations=1, maximum_iterations=MAX_CHUNKS
    )
    return Span(*tf.unstack(fmt)), Span(*tf.unstack(data))


def read_format(wav: tf.Tensor, fmt: Span) -> Format:
    """Reads a `fmt ` chunk of any length; a chunk that is too short gives an invalid format.

    Args:
        wav: String scalar.
        fmt: The chunk, from `find_chunks`.
    """
    body = tf.strings.join([tf.strings.substr(wav, fmt.begin, fmt.size), "." * FORMAT_BYTES])
    fields = tf.io.decode_raw(tf.strings.substr(body, 0, FORMAT_BYTES), tf.uint16)
    fields = tf.unstack(tf.cast(tf.ensure_shape(fields, [FORMAT_BYTES // 2]), tf.int32))
    code = tf.where(fields[0] == EXTENSIBLE, fields[12], fields[0])
    return Format(code, fields[1], fields[2] + fields[3] * 2**16, fields[7])


def _int32(text: tf.Tensor, at) -> tf.Tensor:
    return tf.io.decode_raw(tf.strings.substr(text, at, 4), tf.int32)[0]


RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000)
PCM = 1  # the code of a format
BITS = 16
MAX_CHANNELS = 2


def decode_wav(wav: tf.Tensor, index: tf.Tensor, to_hz: int) -> tf.Tensor:
    """Decodes 16-bit PCM, mixes it down to mono and resamples it.

    Args:
        wav: String scalar, a WAV file of 16-bit PCM, mono or stereo, at one of `RATES_HZ` or at `to_hz`. Its header
            may be extensible, and its length unknown, as in a file that was written to a pipe.
        index: Int32 scalar, the file's position in its batch, which errors state.
        to_hz: The new sample rate, Hz.

    Returns:
        Float32 (samples,), in [-1, 1] except where resampling increases a peak.

    Raises:
        tf.errors.InvalidArgumentError: When the graph runs, if the file is anything else.
    """
    rates, check = sorted({*RATES_HZ, to_hz}), partial(_check, index)
    no_wav = check(is_wav(wav), "These bytes are not a WAV file. Send one of 16-bit PCM; over REST, as base64.")
    with tf.control_dependencies([no_wav]):  # so that nothing below reads beyond the end
        fmt, data = find_chunks(tf.identity(wav))
    no_chunk = check(
        (fmt.size >= 16) & (data.begin > 0),
        "A WAV file must have the chunks fmt and data. Received bytes: {} and {}. Is it damaged?",
        fmt.size,
        data.size,
    )
    with tf.control_dependencies([no_chunk]):
        format = read_format(wav, fmt)
    with tf.control_dependencies(_check_format(check, format, data, rates)):
        mono = _mono(wav, data, format.channels)
        branch = tf.argmax(tf.cast(format.rate_hz == rates, tf.int32), output_type=tf.int32)
    waveform = tf.switch_case(branch, [_resampler(mono, rate_hz, to_hz) for rate_hz in rates])
    some = check(tf.size(waveform) > 0, f"A WAV file must hold at least one sample at {to_hz} Hz. Received none.")
    with tf.control_dependencies([some]):
        return tf.identity(waveform)


def _check(index: tf.Tensor, holds: tf.Tensor, message: str, *received: tf.Tensor) -> tf.Operation:
    """Fails unless `holds`, with a message that names the file and has a value for each {}."""
    return tf.debugging.Assert(holds, [tf.strings.format(f"File {{}}: {message}", (index, *received))])


def _check_format(check, format: Format, data: Span, rates: list[int]) -> list[tf.Operation]:
    listed = ", ".join(map(str, rates))
    return [
        check(
            (format.code == PCM) & (format.bits == BITS),
            "A WAV file must hold 16-bit PCM; convert it first. Received: format {} of {} bits.",
            format.code,
            format.bits,
        ),
        check(
            (format.channels >= 1) & (format.channels <= MAX_CHANNELS),
            "A WAV file must be mono or stereo; mix it down first. Received: {} channels.",
            format.channels,
        ),
        check(
            tf.reduce_any(format.rate_hz == rates),
            f"A WAV file must have one of the sample rates {listed} Hz; resample it first. Received: {{}}.",
            format.rate_hz,
        ),
        check(
            data.size >= data.stated,
            "A WAV file must be complete. Received {} of {} bytes of samples. Was it truncated?",
            data.size,
            data.stated,
        ),
    ]


def _mono(wav: tf.Tensor, data: Span, channels: tf.Tensor) -> tf.Tensor:
    """The mean of the channels, float32 (samples,)."""
    frame_bytes = BITS // 8 * channels
    whole = data.size // frame_bytes * frame_bytes  # a recording may end within a frame
    samples = tf.io.decode_raw(tf.strings.substr(wav, data.begin, whole), tf.int16)
    frames = tf.reshape(tf.cast(samples, tf.float32), [-1, channels])
    return tf.reduce_mean(frames, axis=1) / 2 ** (BITS - 1)


def _resampler(mono: tf.Tensor, from_hz: int, to_hz: int):
    return lambda: tf.identity(resample(mono, from_hz, to_hz))

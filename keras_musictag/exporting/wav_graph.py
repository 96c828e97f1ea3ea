"""A WAV file's bytes -> a mono waveform at the network's rate, on a TensorFlow graph."""

from functools import partial

import tensorflow as tf

from keras_musictag.exporting.resample_graph import resample
from keras_musictag.exporting.wav_header import Format, Span, find_chunks, is_wav, read_format

RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000)
PCM = 1  # the code of a format
BITS = 16
MAX_CHANNELS = 2


def decode_wav(wav: tf.Tensor, index: tf.Tensor, to_hz: int) -> tf.Tensor:
    """Decodes 16-bit PCM, mixes it to mono and resamples it.

    Args:
        wav: String scalar, a WAV file of 16-bit PCM, mono or stereo, at one of `RATES_HZ` or at `to_hz`. Its header
            may be extensible, and its length unknown, as that of a file that was written to a pipe.
        index: Int32 scalar, the file's place in its batch, which an error names.
        to_hz: The wanted sample rate, Hz.

    Returns:
        Float32 (samples,), in [-1, 1], but for what resampling adds to a peak.

    Raises:
        tf.errors.InvalidArgumentError: If it is anything else; when the graph runs.
    """
    rates, check = sorted({*RATES_HZ, to_hz}), partial(_check, index)
    no_wav = check(is_wav(wav), "These bytes are no WAV file. Send one of 16-bit PCM; as base64 over REST.")
    with tf.control_dependencies([no_wav]):  # so that nothing below reads bytes that are not there
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
    """An error that names the file, with a value for each {} of the message, unless something holds."""
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
            "A WAV file must be mono or stereo; mix it first. Received: {} channels.",
            format.channels,
        ),
        check(
            tf.reduce_any(format.rate_hz == rates),
            f"A WAV file must have one of the sample rates {listed} Hz; resample it first. Received: {{}}.",
            format.rate_hz,
        ),
        check(
            data.size >= data.stated,
            "A WAV file must be whole. Received {} of {} bytes of samples. Was it cut short?",
            data.size,
            data.stated,
        ),
    ]


def _mono(wav: tf.Tensor, data: Span, channels: tf.Tensor) -> tf.Tensor:
    """Float32 (samples,), the mean of the channels."""
    frame_bytes = BITS // 8 * channels
    whole = data.size // frame_bytes * frame_bytes  # a recording may end within a frame
    samples = tf.io.decode_raw(tf.strings.substr(wav, data.begin, whole), tf.int16)
    frames = tf.reshape(tf.cast(samples, tf.float32), [-1, channels])
    return tf.reduce_mean(frames, axis=1) / 2 ** (BITS - 1)


def _resampler(mono: tf.Tensor, from_hz: int, to_hz: int):
    return lambda: tf.identity(resample(mono, from_hz, to_hz))

"""A WAV file's bytes -> a mono waveform at the network's rate, on a TensorFlow graph."""

import tensorflow as tf

from keras_musictag.exporting.resample_graph import resample

RATES_HZ = (8000, 11025, 16000, 22050, 32000, 44100, 48000)
MAX_CHANNELS = 2
NO_WAV = "These bytes are no WAV file, which begins with RIFF. Send a WAV file of 16-bit PCM; as base64 over REST."


def decode_wav(wav: tf.Tensor, to_hz: int) -> tf.Tensor:
    """Decodes 16-bit PCM, mixes it to mono and resamples it.

    Args:
        wav: String scalar, a WAV file of 16-bit PCM, mono or stereo, at one of `RATES_HZ` or at `to_hz`.
        to_hz: The wanted sample rate, Hz.

    Returns:
        Float32 (samples,), in [-1, 1], but for what resampling adds to a peak.

    Raises:
        tf.errors.InvalidArgumentError: If it is anything else; when the graph runs.
    """
    rates = sorted({*RATES_HZ, to_hz})
    is_riff = tf.debugging.Assert(tf.strings.substr(wav, 0, 4) == "RIFF", [NO_WAV])
    with tf.control_dependencies([is_riff]):  # the decoder's own message would quote bytes that are no text
        wav = tf.identity(wav)
    audio, rate = tf.audio.decode_wav(wav)  # float32 (samples, channels); refuses all but 16-bit PCM itself
    shape = tf.shape(audio)
    listed = ", ".join(map(str, rates))
    checks = [
        tf.debugging.Assert(shape[0] > 0, ["A WAV file must hold at least one sample. Received none."]),
        tf.debugging.Assert(
            shape[1] <= MAX_CHANNELS, ["A WAV file must be mono or stereo; mix it first. Received channels:", shape[1]]
        ),
        tf.debugging.Assert(
            tf.reduce_any(rate == rates),
            [f"A WAV file must have one of the sample rates {listed} Hz; resample it first. Received:", rate],
        ),
    ]
    with tf.control_dependencies(checks):
        mono = tf.reduce_mean(audio, axis=1)
        branch = tf.argmax(tf.cast(rate == rates, tf.int32), output_type=tf.int32)
    return tf.switch_case(branch, [_resampler(mono, rate_hz, to_hz) for rate_hz in rates])


def _resampler(mono: tf.Tensor, from_hz: int, to_hz: int):
    return lambda: tf.identity(resample(mono, from_hz, to_hz))

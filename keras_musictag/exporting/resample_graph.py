"""Change of sample rate on a TensorFlow graph: a windowed sinc, polyphase, as one strided convolution.

For servers, which have no soxr. Pass band and stop band are those of soxr's HQ, which the package uses elsewhere, so
scores agree: flat up to 0.912 of the lower rate's Nyquist frequency, 109 dB down from that frequency on.
"""

import math

import numpy as np
import tensorflow as tf

PASS_BAND = 0.912  # of the lower Nyquist frequency, as soxr's HQ
HALF_SAMPLES = 80  # of the lower rate: with the beta below, the transition then ends at the Nyquist frequency
KAISER_BETA = 11.05  # 109 dB of stop band, below the rounding of 16-bit samples


def resample(samples: tf.Tensor, from_hz: int, to_hz: int) -> tf.Tensor:
    """Changes the sample rate of a whole mono waveform; outside of it is silence.

    Args:
        samples: Float32 (samples,).
        from_hz: Its sample rate, Hz.
        to_hz: The wanted sample rate, Hz.

    Returns:
        Float32 (round(samples * to_hz / from_hz),): none of very few.

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
    """The filter of `resample`.

    Returns:
        `(kernel, step, before)`: float32 (width, 1, phases), a filter for each place that an output sample can have
        between input samples; the input samples from one group of `phases` outputs to the next; and how many samples
        before a group its filters begin.
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

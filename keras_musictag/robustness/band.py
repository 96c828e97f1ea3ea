"""What is left of a sound where the upper frequencies are missing: a low-pass filter, and a lower sample rate."""

import functools

import numpy as np

from keras_musictag.audio.resample import resample

VERSION = 1
TAPS = 511  # odd: the delay is a whole number of samples, and is taken out
KAISER_BETA = 8.6  # 86 dB down; with these taps the slope is 180 Hz wide at 16 kHz


def low_pass(samples: np.ndarray, sample_rate_hz: float, cutoff_hz: float) -> np.ndarray:
    """Removes what is above a frequency, without delay.

    Args:
        samples: Float32 (samples,); before and after it there is silence.
        sample_rate_hz: Their sample rate, Hz.
        cutoff_hz: Here the filter has half its gain (-6 dB). At 16 kHz it is flat 90 Hz below, and 86 dB down 90 Hz
            above.

    Returns:
        Float32 (samples,), as many as went in.

    Source:
        A sinc with a Kaiser window: Oppenheim and Schafer, Discrete-Time Signal Processing, 7.5.

    Example:
        >>> tone = np.sin(np.arange(16000) * 2 * np.pi * 3000 / 16000).astype(np.float32)
        >>> bool(np.abs(low_pass(tone, 16000, 2000)[1000:-1000]).max() < 1e-4)
        True
    """
    from scipy.signal import oaconvolve  # scipy.signal takes half a second

    return oaconvolve(samples, _filter(cutoff_hz, sample_rate_hz), mode="same").astype(np.float32)


@functools.cache
def _filter(cutoff_hz: float, sample_rate_hz: float) -> np.ndarray:
    from scipy.signal import firwin

    return firwin(TAPS, cutoff_hz, window=("kaiser", KAISER_BETA), fs=sample_rate_hz)


def there_and_back(samples: np.ndarray, sample_rate_hz: float, lower_hz: float) -> np.ndarray:
    """Resamples to a lower rate and back, by soxr (HQ): what a copy at that rate has kept.

    Args:
        samples: Float32 (samples,).
        sample_rate_hz: Their sample rate, Hz.
        lower_hz: The rate in between, Hz. What lies above half of it is lost.

    Returns:
        Float32 (samples,), as many as went in.

    Example:
        >>> there_and_back(np.zeros(16001, np.float32), 16000, 8000).shape
        (16001,)
    """
    copied = resample(resample(samples, sample_rate_hz, lower_hz), lower_hz, sample_rate_hz)
    return as_long_as(copied, len(samples))


def as_long_as(samples: np.ndarray, num_samples: int) -> np.ndarray:
    """Cut at its end, or filled up with zeros there.

    Example:
        >>> as_long_as(np.array([1.0, 2.0]), 3).tolist(), as_long_as(np.array([1.0, 2.0]), 1).tolist()
        ([1.0, 2.0, 0.0], [1.0])
    """
    return np.pad(samples[:num_samples], (0, max(0, num_samples - len(samples))))

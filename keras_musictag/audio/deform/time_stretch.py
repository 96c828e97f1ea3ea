"""Faster or slower at the same pitch, by librosa's phase vocoder.

Source: Won et al., "Evaluation of CNN-based automatic music tagging models", SMC 2020, whose rates are 2 ** -0.5 and
2 ** 0.5; after McFee et al., "A software framework for musical data augmentation", ISMIR 2015.
librosa's defaults (0.11): STFT of 2048 samples, Hann window, hop 512, frames centred by padding with zeros.
Differs from its source: the librosa of that time padded by reflection. A sound shorter than one window is padded with
zeros to a window.
"""

import numpy as np

from keras_musictag.audio.deform._check import check_amount, check_samples

VERSION = 1
WINDOW_SAMPLES = 2048  # librosa's default `n_fft`
MIN_RATE, MAX_RATE = 0.1, 10.0  # beyond it nothing is left of the music


def time_stretch(samples: np.ndarray, rate: float) -> np.ndarray:
    """Changes the speed and keeps the pitch.

    Args:
        samples: Float32 (samples,), mono, any sample rate.
        rate: How many times as fast: above 1 is faster, so shorter. From 0.1 to 10.

    Returns:
        Float32 (round(samples / rate),), at least one. Peaks may pass 1 a little: nothing is clipped.

    Raises:
        TypeError: If the samples are not floats, or the rate is not a number.
        ValueError: If the rate lies outside 0.1 to 10.
        AudioError: If the samples are not mono, none, or not finite.

    Example:
        >>> samples = np.sin(np.arange(16000) * 0.1, dtype=np.float32)
        >>> time_stretch(samples, rate=2.0).shape
        (8000,)
    """
    rate = check_amount(rate, "rate", MIN_RATE, MAX_RATE, "It is a factor: 1.1 for a tenth faster.")
    samples = check_samples(samples)
    import librosa  # takes a second

    padded = np.pad(samples, (0, max(0, WINDOW_SAMPLES - len(samples))))
    return librosa.effects.time_stretch(padded, rate=rate)[: stretched_length(len(samples), rate)]


def stretched_length(num_samples: int, rate: float) -> int:
    """Samples that `time_stretch` gives.

    Example:
        >>> stretched_length(465984, 2**0.5)
        329500
    """
    return max(1, round(num_samples / rate))

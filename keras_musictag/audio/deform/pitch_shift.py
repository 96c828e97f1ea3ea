"""Higher or lower at the same length: librosa's time stretch, then a change of the sample rate.

Source: Won et al., "Evaluation of CNN-based automatic music tagging models", SMC 2020, whose amounts are -1 and +1
semitone; after McFee et al., "A software framework for musical data augmentation", ISMIR 2015.
librosa's defaults (0.11): the STFT of `time_stretch`; twelve equal semitones an octave; resampling by "soxr_hq".
Differs from its source: the librosa of that time resampled by resampy's "kaiser_best" and padded by reflection. A
sound shorter than one window is padded with zeros to a window.
"""

import numpy as np

from keras_musictag.audio.deform._check import check_amount, check_samples
from keras_musictag.audio.deform.time_stretch import WINDOW_SAMPLES
from keras_musictag.audio.resample import check_rate_hz

VERSION = 1
MAX_SEMITONES = 24.0


def pitch_shift(samples: np.ndarray, sample_rate_hz: float, semitones: float) -> np.ndarray:
    """Changes the pitch and keeps the speed.

    Args:
        samples: Float32 (samples,), mono.
        sample_rate_hz: Their sample rate, Hz.
        semitones: How far up; negative is down. From -24 to 24, fractions too.

    Returns:
        Float32 (samples,), as many as went in. Shifted up, what passes half the sample rate is filtered out; shifted
        down, the top of the spectrum is empty. Peaks may pass 1 a little: nothing is clipped.

    Raises:
        TypeError: If the samples are not floats, or a number is none.
        ValueError: If the semitones or the sample rate lie outside their limits.
        AudioError: If the samples are not mono, none, or not finite.

    Example:
        >>> samples = np.sin(np.arange(16000) * 0.1, dtype=np.float32)
        >>> pitch_shift(samples, 16000, semitones=-1).shape
        (16000,)
    """
    hint = "It counts semitones, 12 an octave."
    semitones = check_amount(semitones, "semitones", -MAX_SEMITONES, MAX_SEMITONES, hint)
    check_rate_hz(sample_rate_hz, "`sample_rate_hz`")
    samples = check_samples(samples)
    import librosa  # takes a second

    padded = np.pad(samples, (0, max(0, WINDOW_SAMPLES - len(samples))))
    return librosa.effects.pitch_shift(padded, sr=sample_rate_hz, n_steps=semitones)[: len(samples)]

"""Mono tones and the frequency of a sound, for the tests of deformations."""

import numpy as np


def sine(pitch_hz: float, seconds: float = 2.0, sample_rate_hz: int = 16000, peak: float = 0.5) -> np.ndarray:
    """Returns a steady tone, float32 (samples,)."""
    time = np.arange(round(seconds * sample_rate_hz)) / sample_rate_hz
    return (peak * np.sin(2 * np.pi * pitch_hz * time)).astype(np.float32)


def loudest_hz(samples: np.ndarray, sample_rate_hz: int = 16000) -> float:
    """Returns the frequency of the highest peak in a padded FFT, exact to 0.1 Hz for one second of a steady tone."""
    size = 2**20
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))
    return float(spectrum.argmax() * sample_rate_hz / size)

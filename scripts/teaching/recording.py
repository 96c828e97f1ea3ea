"""How a recording differs from the instrument: the room, the microphone, the tape, the noise. All of it synthetic."""

from random import Random

import numpy as np
from scipy import signal

from scripts.teaching.store import SAMPLE_RATE_HZ

_CLEAN_SHARE = 0.35


def recorded(rng: Random, samples: np.ndarray) -> np.ndarray:
    """Changes samples as a drawn recording chain would; a third of the clips stay as they are.

    Args:
        rng: Where to draw from.
        samples: Float (samples,), not silent.

    Returns:
        Float64 (samples,), of any loudness.
    """
    samples = np.asarray(samples, np.float64)
    if rng.random() < _CLEAN_SHARE:
        return samples
    if rng.random() < 0.5:
        samples = in_room(rng, samples)
    if rng.random() < 0.25:
        samples = saturated(rng, samples)
    if rng.random() < 0.5:
        samples = filtered(rng, samples)
    if rng.random() < 0.6:
        samples = samples + rms(samples) * 10 ** (rng.uniform(-65, -28) / 20) * noise(rng, len(samples))
    return samples


def rms(samples: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(samples))))


def in_room(rng: Random, samples: np.ndarray) -> np.ndarray:
    """Convolves with noise that decays exponentially, the highs faster: a room from a cupboard to a church."""
    seconds = 10 ** rng.uniform(-1, 0.45)  # until 60 dB below: 0.1 to 2.8 s
    times = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    response = _generator(rng).standard_normal(len(times)) * 10 ** (-3 * times / seconds)
    dull = signal.lfilter(*signal.butter(1, rng.uniform(800, 5000), fs=SAMPLE_RATE_HZ), response)
    share = np.minimum(times / seconds * 2, 1)
    response = (1 - share) * response + share * dull
    delay = np.zeros(int(rng.uniform(0, 0.03) * SAMPLE_RATE_HZ))
    wet = signal.fftconvolve(samples, np.concatenate([delay, response]))[: len(samples)]
    return samples + wet * rng.uniform(0.1, 1.2) * rms(samples) / max(rms(wet), 1e-9)


def saturated(rng: Random, samples: np.ndarray) -> np.ndarray:
    """Mild saturation, as of tape or of a microphone that is too close."""
    drive = rng.uniform(0.5, 3) / max(float(np.abs(samples).max()), 1e-9)
    return np.tanh(samples * drive) / drive


def filtered(rng: Random, samples: np.ndarray) -> np.ndarray:
    """A low-pass, a high-pass, or both, of first or second order."""
    kind, order = rng.choice(("low", "high", "both")), rng.choice((1, 2))
    if kind != "high":
        samples = signal.lfilter(*signal.butter(order, 10 ** rng.uniform(3.2, 3.88), fs=SAMPLE_RATE_HZ), samples)
    if kind != "low":
        cutoff = 10 ** rng.uniform(1.3, 2.6)
        samples = signal.lfilter(*signal.butter(order, cutoff, "high", fs=SAMPLE_RATE_HZ), samples)
    return samples


def noise(rng: Random, count: int) -> np.ndarray:
    """Noise whose power falls with frequency by a drawn exponent: 0 is white, 1 pink, 2 brown; root mean square 1."""
    return coloured(_generator(rng), count, rng.uniform(0, 2))


def coloured(generator: np.random.Generator, count: int, exponent: float) -> np.ndarray:
    """Float64 (count,): noise whose power is proportional to 1 / frequency ** exponent; root mean square 1."""
    spectrum = np.fft.rfft(generator.standard_normal(count))
    frequency = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE_HZ), 20.0)
    spectrum *= frequency ** (-exponent / 2)
    spectrum[0] = 0
    samples = np.fft.irfft(spectrum, count)
    return samples / rms(samples)


def _generator(rng: Random) -> np.random.Generator:
    return np.random.default_rng(rng.getrandbits(64))

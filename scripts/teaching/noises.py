"""Sounds that are not music: silence, noises, hum, clicks, tones, applause, wind."""

from random import Random

import numpy as np
from scipy import signal

from scripts.teaching.recording import coloured, rms
from scripts.teaching.store import SAMPLE_RATE_HZ


def silence(rng: Random, count: int) -> np.ndarray:
    """Silence, or noise of one unit of 16 bits."""
    samples = np.zeros(count)
    return (
        samples
        if rng.random() < 0.3
        else samples + _generator(rng).uniform(-1, 1, count) * 2**-15 * rng.choice((1, 2, 4))
    )


def noise(rng: Random, count: int) -> np.ndarray:
    """Noise from violet to brown, some of it in a band."""
    samples = coloured(_generator(rng), count, rng.uniform(-2, 2.5))
    if rng.random() < 0.4:
        low = 10 ** rng.uniform(2, 3.5)
        band = signal.butter(2, (low, min(low * rng.uniform(1.2, 6), 7800)), "band", fs=SAMPLE_RATE_HZ, output="sos")
        samples = signal.sosfilt(band, samples)
    return samples


def hum(rng: Random, count: int) -> np.ndarray:
    """Mains hum with its harmonics, and hiss."""
    times, generator = np.arange(count) / SAMPLE_RATE_HZ, _generator(rng)
    mains, samples = rng.choice((50, 60)), np.zeros(count)
    for harmonic in range(1, rng.randint(2, 24)):
        phase = rng.uniform(0, 2 * np.pi)
        samples += (
            rng.random() / harmonic ** rng.uniform(0.3, 1.5) * np.sin(2 * np.pi * mains * harmonic * times + phase)
        )
    return samples + rms(samples) * 10 ** rng.uniform(-3, -0.5) * coloured(generator, count, 0.5)


def clicks(rng: Random, count: int) -> np.ndarray:
    """Random clicks like those of vinyl, or regular ones like those of a metronome, with a little surface noise."""
    generator, samples = _generator(rng), np.zeros(count)
    if rng.random() < 0.5:
        places = generator.integers(0, count, int(count / SAMPLE_RATE_HZ * 10 ** rng.uniform(0, 2)))
        heights = generator.exponential(0.3, len(places))
    else:
        places = np.arange(rng.randrange(4000), count, int(SAMPLE_RATE_HZ * rng.uniform(0.2, 1)))
        heights = np.ones(len(places))
    samples[places] = heights * generator.choice((-1, 1), len(places))
    click = signal.butter(2, (rng.uniform(300, 1500), rng.uniform(2000, 7000)), "band", fs=SAMPLE_RATE_HZ, output="sos")
    return signal.sosfilt(click, samples) + 10 ** rng.uniform(-4, -2.3) * coloured(generator, count, 1)


def tones(rng: Random, count: int) -> np.ndarray:
    """A test tone, a beep, or a sweep: sine, square or saw."""
    times = np.arange(count) / SAMPLE_RATE_HZ
    start, end = 10 ** rng.uniform(1.7, 3.6), 10 ** rng.uniform(1.7, 3.6)
    frequency = np.geomspace(start, end, count) if rng.random() < 0.5 else np.full(count, start)
    phase = 2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE_HZ
    samples = rng.choice((np.sin, np.sin, signal.square, signal.sawtooth))(phase)
    gate = (times % rng.uniform(0.3, 2)) < rng.uniform(0.1, 0.5) if rng.random() < 0.4 else 1.0
    return samples * gate


def applause(rng: Random, count: int) -> np.ndarray:
    """Many hands: short bursts of noise at random times, each pair of hands with its own colour."""
    generator, samples = _generator(rng), np.zeros(count)
    for _ in range(6):
        strokes = np.zeros(count)
        places = generator.integers(0, count, int(count / SAMPLE_RATE_HZ * rng.uniform(5, 60)))
        strokes[places] = generator.uniform(0.2, 1, len(places))
        length = int(rng.uniform(0.006, 0.02) * SAMPLE_RATE_HZ)
        burst = generator.standard_normal(length) * np.exp(-np.arange(length) / length * 5)
        low = rng.uniform(500, 1500)
        band = signal.butter(1, (low, low * rng.uniform(1.5, 3)), "band", fs=SAMPLE_RATE_HZ, output="sos")
        samples += signal.sosfilt(band, signal.fftconvolve(strokes, burst)[:count])
    return samples * _swell(rng, count)


def wind(rng: Random, count: int) -> np.ndarray:
    """Noise that swells: wind, waves, rain."""
    return coloured(_generator(rng), count, rng.uniform(0, 2)) * _swell(rng, count)


def _swell(rng: Random, count: int) -> np.ndarray:
    times = np.arange(count) / SAMPLE_RATE_HZ
    return 1 - rng.uniform(0, 0.95) * (0.5 + 0.5 * np.cos(2 * np.pi * times / rng.uniform(2, 10) + rng.uniform(0, 6)))


def _generator(rng: Random) -> np.random.Generator:
    return np.random.default_rng(rng.getrandbits(64))


KINDS = {
    "silence": silence,
    "noise": noise,
    "hum": hum,
    "clicks": clicks,
    "tones": tones,
    "applause": applause,
    "wind": wind,
}

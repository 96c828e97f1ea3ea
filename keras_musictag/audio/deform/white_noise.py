"""White Gaussian noise, mixed with the sound.

Source: Won et al., "Evaluation of CNN-based automatic music tagging models", SMC 2020, whose rates are 0.1 and 0.4.
Differs from its source: it is seeded. As there, the noise is scaled to the highest sample, not to the highest
absolute one: so a sound without a positive sample gets noise of a smaller peak, or none.
"""

import numpy as np

from keras_musictag.audio.deform._check import check_amount, check_samples

VERSION = 1


def white_noise(samples: np.ndarray, rate: float, rng: np.random.Generator | int) -> np.ndarray:
    """Mixes the sound with noise: (1 - rate) * samples + rate * noise.

    The noise is Gaussian, scaled so that its highest absolute sample is the sound's highest sample. Silence stays
    silence.

    Args:
        samples: Float32 (samples,), mono, any sample rate.
        rate: Share of the noise, from 0 to 1.
        rng: A NumPy generator, or a seed: the same seed gives the same noise.

    Returns:
        Float32 (samples,). Never above the highest absolute sample of the sound.

    Raises:
        TypeError: If the samples are not floats, the rate is not a number, or there is no seed.
        ValueError: If the rate lies outside 0 to 1.
        AudioError: If the samples are not mono, none, or not finite.

    Example:
        >>> samples = np.sin(np.arange(16000) * 0.1, dtype=np.float32)
        >>> noisy = white_noise(samples, rate=0.4, rng=0)
        >>> noisy.shape, bool((noisy == white_noise(samples, rate=0.4, rng=0)).all())
        ((16000,), True)
    """
    rate = check_amount(rate, "rate", 0.0, 1.0, "It is the share of the noise: 0.4 for 40 %.")
    samples = check_samples(samples)
    if rng is None:
        raise TypeError("`rng` must be a seed or a NumPy generator: noise that cannot be repeated is no protocol.")
    noise = np.random.default_rng(rng).standard_normal(len(samples))
    noise *= samples.max() / np.abs(noise).max()
    return ((1 - rate) * samples + rate * noise).astype(np.float32)

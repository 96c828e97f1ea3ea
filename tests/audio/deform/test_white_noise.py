"""White noise: how much, of what kind, and the same for the same seed."""

import numpy as np
import pytest

from keras_musictag.audio import white_noise
from tests.audio.deform.measure import sine


def noise_in(noisy, samples, rate):
    return noisy.astype(np.float64) - (1 - rate) * samples


@pytest.mark.parametrize("rate", [0.1, 0.4, 1.0])
def test_the_noise_peaks_at_its_share_of_the_highest_sample(rate):
    samples = sine(440, peak=0.8)
    noise = noise_in(white_noise(samples, rate, 0), samples, rate)
    assert np.abs(noise).max() == pytest.approx(rate * samples.max(), rel=1e-5)


def test_by_hand():
    """Of two samples, the noise with the larger magnitude becomes the peak; the other keeps its ratio to it."""
    first, second = np.random.default_rng(7).standard_normal(2)
    largest = max(abs(first), abs(second))
    expected = [0.75 * 0.5 + 0.25 * 0.5 * first / largest, 0.75 * -0.25 + 0.25 * 0.5 * second / largest]
    np.testing.assert_allclose(white_noise(np.float32([0.5, -0.25]), 0.25, 7), expected, rtol=1e-6)


def test_the_highest_sample_counts_and_not_the_highest_magnitude():
    """As in the original: max(x), not max(|x|)."""
    samples = np.float32([0.25, -1.0] * 500)
    noise = noise_in(white_noise(samples, 0.5, 0), samples, 0.5)
    assert np.abs(noise).max() == pytest.approx(0.5 * 0.25, rel=1e-5)


def test_signal_to_noise_ratio():
    """The noise's power is that of Gaussian noise whose highest of 32,000 samples is 0.4 * 0.5."""
    samples = sine(440)
    noise = noise_in(white_noise(samples, 0.4, 0), samples, 0.4)
    ratio_db = 10 * np.log10(np.mean((0.6 * samples) ** 2) / np.mean(noise**2))
    drawn = np.random.default_rng(0).standard_normal(32000)
    deviation = 0.4 * 0.5 / np.abs(drawn).max()
    assert ratio_db == pytest.approx(20 * np.log10(0.6 * 0.5 / 2**0.5 / deviation), abs=0.05)
    assert 12 < ratio_db < 15  # the highest of so many is 4.2 deviations: 13.3 dB


def test_the_noise_is_white_and_gaussian():
    noise = noise_in(white_noise(sine(440, seconds=8), 1.0, 3), 0, 1.0)
    low, high = np.split(np.abs(np.fft.rfft(noise))[:-1] ** 2, 2)
    assert low.mean() == pytest.approx(high.mean(), rel=0.03)  # 32,000 bins of a half: 0.6 % by chance
    assert np.mean(noise**4) / np.mean(noise**2) ** 2 == pytest.approx(3, abs=0.1)  # kurtosis; uniform has 1.8


def test_a_seed_gives_its_noise_and_another_seed_another():
    samples = sine(440)
    first = white_noise(samples, 0.4, 0)
    np.testing.assert_array_equal(first, white_noise(samples, 0.4, np.random.default_rng(0)))
    assert (first != white_noise(samples, 0.4, 1)).mean() > 0.9


def test_a_generator_goes_on():
    rng = np.random.default_rng(0)
    assert (white_noise(sine(440), 0.4, rng) != white_noise(sine(440), 0.4, rng)).any()


def test_no_share_changes_nothing():
    np.testing.assert_array_equal(white_noise(sine(440), 0, 0), sine(440))

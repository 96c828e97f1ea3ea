import numpy as np

from keras_musictag.robustness.degradations import gain


def test_minus_twenty_decibels_is_a_tenth():
    samples = np.random.default_rng(0).uniform(-1, 1, 1000).astype(np.float32)
    np.testing.assert_allclose(gain(samples, -20), samples / 10, rtol=1e-6)


def test_twelve_decibels_is_about_four_times_and_is_clipped():
    louder = gain(np.array([0.1, -0.2, 0.26, -0.9, 0.0], np.float32), 12)
    np.testing.assert_allclose(louder, [0.39810717, -0.79621434, 1, -1, 0], rtol=1e-6)
    assert louder.dtype == np.float32


def test_the_input_is_unchanged():
    samples = np.full(10, 0.9, np.float32)
    gain(samples, 12)
    assert (samples == np.float32(0.9)).all()

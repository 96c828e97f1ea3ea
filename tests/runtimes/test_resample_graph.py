import numpy as np
import pytest
import soxr
import tensorflow as tf

from keras_musictag.runtimes.formats._savedmodel_wav import RATES_HZ, polyphase_kernel, resample

TO_HZ = 16000


@pytest.mark.parametrize("rate_hz", [rate for rate in RATES_HZ if rate != TO_HZ])
def test_noise_below_the_pass_band_is_resampled_as_by_soxr(rate_hz):
    low_hz = min(rate_hz, TO_HZ)
    noise = np.random.default_rng(0).normal(0, 0.1, low_hz).astype(np.float32)
    samples = soxr.resample(noise, low_hz / 2, rate_hz)[: rate_hz + 123]  # up to half of the lower Nyquist frequency
    expected = soxr.resample(samples, rate_hz, TO_HZ, quality="HQ")
    found = resample(tf.constant(samples), rate_hz, TO_HZ).numpy()
    assert len(found) == len(expected)
    middle = slice(400, -400)
    np.testing.assert_allclose(found[middle], expected[middle], rtol=0, atol=2e-6)  # round-off of about 500 products
    # a sudden start also has frequencies in the transition band, where the filters differ
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 44100, 48000, 96000])
def test_sines_stay_in_the_pass_band_and_go_above_nyquist(rate_hz):
    nyquist_hz = min(rate_hz, TO_HZ) / 2
    time = np.arange(rate_hz) / rate_hz
    stays = resample(tf.constant(np.sin(2 * np.pi * 0.9 * nyquist_hz * time), tf.float32), rate_hz, TO_HZ).numpy()
    wanted = np.sin(2 * np.pi * 0.9 * nyquist_hz * np.arange(len(stays)) / TO_HZ)
    middle = slice(1000, -1000)  # a sine that starts suddenly has other frequencies, too
    np.testing.assert_allclose(stays[middle], wanted[middle], rtol=0, atol=1e-5)
    if rate_hz > TO_HZ:
        goes = resample(tf.constant(np.sin(2 * np.pi * 1.05 * nyquist_hz * time), tf.float32), rate_hz, TO_HZ).numpy()
        assert abs(goes[middle]).max() < 1e-5  # 100 dB down


@pytest.mark.parametrize("length", [0, 1, 2, 160, 441, 442, 10_000])
@pytest.mark.parametrize("rate_hz", [8000, 44100, 96000])
def test_any_length_is_taken(length, rate_hz):
    found = resample(tf.ones(length), rate_hz, TO_HZ)
    assert found.shape == round(length * TO_HZ / rate_hz)
    assert np.isfinite(found).all()


def test_equal_rates_change_nothing():
    samples = tf.constant([0.5, -0.25])
    assert resample(samples, TO_HZ, TO_HZ) is samples


def test_a_constant_is_the_same_in_every_phase():
    kernel, step, before = polyphase_kernel(44100, TO_HZ)
    assert (kernel.shape, step, before) == ((2 * 221 + 441 + 1, 1, 160), 441, 221)  # 80 samples at 16 kHz are 220.5
    np.testing.assert_allclose(kernel.sum(axis=(0, 1)), 1, rtol=0, atol=3e-6)

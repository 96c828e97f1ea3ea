import numpy as np
import pytest
import scipy.signal

from keras_musictag.robustness.degradations import _filter, low_pass, there_and_back
from tests.audio.tones import sine

EDGE = slice(2000, -2000)  # a filter rings where the sound begins and ends


def decibels(samples, original):
    return 20 * np.log10(np.abs(samples[EDGE]).max() / np.abs(original[EDGE]).max() + 1e-12)


@pytest.mark.parametrize("cutoff_hz", [2000, 4000])
def test_low_pass_removes_a_tone_above_and_keeps_one_below(cutoff_hz):
    below, above = sine(cutoff_hz - 100), sine(cutoff_hz + 100)
    kept = low_pass(below + above, 16000, cutoff_hz)
    np.testing.assert_allclose(kept[EDGE], below[EDGE], atol=1e-4)  # without delay
    assert decibels(low_pass(above, 16000, cutoff_hz), above) < -80


def test_the_filter_is_as_its_docstring_states():
    hz, response = scipy.signal.freqz(_filter(4000, 16000), worN=2**14, fs=16000)
    gains = 20 * np.log10(np.abs(response) + 1e-12)
    assert np.abs(gains[hz < 3910]).max() < 0.001
    assert gains[hz > 4090].max() < -86
    assert gains[np.abs(hz - 4000).argmin()] == pytest.approx(-6.02, abs=0.05)


def test_a_lower_rate_removes_tones_above_its_half():
    below, above = sine(3000), sine(5000)
    np.testing.assert_allclose(there_and_back(below + above, 16000, 8000)[EDGE], below[EDGE], atol=1e-3)
    assert decibels(there_and_back(above, 16000, 8000), above) < -90


@pytest.mark.parametrize("num_samples", [1, 2, 500, 16001])
def test_the_length_does_not_change(num_samples):
    samples = sine(300, 2.0)[:num_samples]
    for changed in (low_pass(samples, 16000, 2000), there_and_back(samples, 16000, 8000)):
        assert changed.shape == samples.shape and changed.dtype == np.float32
        assert np.isfinite(changed).all()


def test_silence_stays_silence():
    silence = np.zeros(5000, np.float32)
    assert not low_pass(silence, 16000, 2000).any() and not there_and_back(silence, 16000, 8000).any()

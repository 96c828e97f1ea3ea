"""Time stretch: another length, the same pitch, and events where they belong."""

import librosa
import numpy as np
import pytest

from keras_musictag.audio import time_stretch
from keras_musictag.audio.deform import stretched_length
from tests.audio.deform.measure import loudest_hz, sine


@pytest.mark.parametrize("rate", [2**-0.5, 0.9, 1.1, 2**0.5, 2])
def test_the_length_changes_and_the_pitch_stays(rate):
    stretched = time_stretch(sine(440), rate)
    assert len(stretched) == round(32000 / rate) == stretched_length(32000, rate)
    # tolerance: the vocoder follows a steady tone to the bin's phase; a semitone would be 26 Hz
    assert loudest_hz(stretched) == pytest.approx(440, abs=0.5)


def test_the_clip_of_the_2020_evaluation_gets_too_short_for_fcn():
    """29 s at rate 2 ** 0.5: less than the 464,000 samples of the networks that hear a whole clip."""
    assert stretched_length(465984, 2**0.5) == 329500  # 465,984 / 1.41421356 = 329,500.4
    assert stretched_length(465984, 2**-0.5) == 659001


def test_loudness_stays():
    middle = time_stretch(sine(440), 2**0.5)[4000:-4000]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / 2**0.5, rel=0.02)  # of a sine of peak 0.5


def test_a_change_of_tone_moves_in_time():
    """440 Hz for a second, then 880 Hz: at twice the speed, the second tone starts at half a second."""
    stretched = time_stretch(np.concatenate([sine(440, 1.0), sine(880, 1.0)]), 2)
    assert loudest_hz(stretched[1600:6400]) == pytest.approx(440, abs=1)
    assert loudest_hz(stretched[9600:14400]) == pytest.approx(880, abs=1)


def test_it_is_librosas_with_its_defaults():
    """So that a figure of the protocol can be had by librosa alone."""
    noise = np.random.default_rng(0).uniform(-1, 1, 5000).astype(np.float32)
    np.testing.assert_array_equal(time_stretch(noise, 1.3), librosa.effects.time_stretch(noise, rate=1.3))


def test_a_sound_of_one_sample_keeps_one():
    assert time_stretch(np.ones(1, np.float32), 10).shape == (1,)

"""Pitch shift: another pitch, the same length."""

import librosa
import numpy as np
import pytest

from keras_musictag.audio import pitch_shift
from tests.audio.deform.measure import loudest_hz, sine


@pytest.mark.parametrize("semitones", [-12, -1, -0.5, 1, 2, 7])
def test_a_tone_moves_by_that_many_semitones(semitones):
    shifted = pitch_shift(sine(440), 16000, semitones)
    assert len(shifted) == 32000
    # tolerance: a thousandth; a semitone is 59 thousandths
    assert loudest_hz(shifted) == pytest.approx(440 * 2 ** (semitones / 12), rel=1e-3)


def test_an_event_stays_where_it_is():
    tones = np.concatenate([sine(440, 1.0), sine(880, 1.0)])
    shifted = pitch_shift(tones, 16000, 1)
    assert loudest_hz(shifted[1600:14400]) == pytest.approx(466.16, abs=1)
    assert loudest_hz(shifted[17600:30400]) == pytest.approx(932.33, abs=1)


def test_what_passes_half_the_sample_rate_is_filtered_out():
    """7.9 kHz, a semitone up, would be 8.4 kHz: it must not fold back to 7.6 kHz."""
    kept, lost = (pitch_shift(sine(hz), 16000, 1)[4000:-4000] for hz in (1000, 7900))
    # tolerance: the vocoder makes a tone between two bins a little softer
    assert np.sqrt(np.mean(kept**2)) == pytest.approx(0.5 / 2**0.5, rel=0.15)
    assert np.sqrt(np.mean(lost**2)) < 0.01 * 0.5


def test_the_sample_rate_changes_nothing_but_what_hertz_mean():
    np.testing.assert_allclose(pitch_shift(sine(440), 16000, 1), pitch_shift(sine(440), 44100, 1), atol=1e-4)


def test_it_is_librosas_with_its_defaults():
    noise = np.random.default_rng(0).uniform(-1, 1, 5000).astype(np.float32)
    expected = librosa.effects.pitch_shift(noise, sr=16000, n_steps=-1)
    np.testing.assert_array_equal(pitch_shift(noise, 16000, -1), expected)

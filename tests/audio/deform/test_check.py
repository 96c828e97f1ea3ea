"""Every deformation: what it takes, what it refuses, and that odd sounds come through."""

import numpy as np
import pytest

from keras_musictag.audio import dynamic_range, pitch_shift, time_stretch, white_noise
from keras_musictag.errors import AudioError

ALL = {
    "time_stretch": lambda samples: time_stretch(samples, 2**0.5),
    "pitch_shift": lambda samples: pitch_shift(samples, 16000, 1),
    "dynamic_range": lambda samples: dynamic_range(samples, 16000, "speech"),
    "white_noise": lambda samples: white_noise(samples, 0.4, 0),
}
NOISE = np.random.default_rng(0).uniform(-1, 1, 4000)
SOUNDS = {
    "one_sample": np.full(1, 0.5),
    "two_samples": np.array([0.5, -0.5]),
    "below_a_window": NOISE[:700],
    "silence": np.zeros(4000),
    "full_scale": np.sign(NOISE),
    "constant": np.full(4000, -1.0),
    "over_full_scale": 3 * NOISE,
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("name", ALL)
def test_odd_sounds_come_through_without_a_warning(name, sound):
    samples = SOUNDS[sound].astype(np.float32)
    before = samples.copy()
    deformed = ALL[name](samples)
    expected = max(1, round(len(samples) / 2**0.5)) if name == "time_stretch" else len(samples)
    assert deformed.shape == (expected,)
    assert deformed.dtype == np.float32
    assert np.isfinite(deformed).all()
    np.testing.assert_array_equal(samples, before)  # a pure function


@pytest.mark.parametrize("name", ALL)
def test_silence_stays_silence(name):
    assert not ALL[name](np.zeros(4000, np.float32)).any()


@pytest.mark.parametrize("name", ALL)
def test_the_same_in_gives_the_same_out(name):
    samples = NOISE.astype(np.float32)
    np.testing.assert_array_equal(ALL[name](samples), ALL[name](samples))


@pytest.mark.parametrize("name", ALL)
def test_doubles_and_views_give_what_float32_gives(name):
    samples = NOISE.astype(np.float32)
    np.testing.assert_array_equal(ALL[name](samples.astype(np.float64)), ALL[name](samples))
    np.testing.assert_array_equal(ALL[name](samples[::-2]), ALL[name](samples[::-2].copy()))


@pytest.mark.parametrize("name", ALL)
def test_what_is_no_sound_is_refused(name):
    with pytest.raises(TypeError, match="`samples` must be floats.*int16"):
        ALL[name](np.zeros(100, np.int16))
    with pytest.raises(AudioError, match=r"\(samples,\), mono.*\(2, 100\)"):
        ALL[name](np.zeros((2, 100), np.float32))
    with pytest.raises(AudioError, match=r"at least one. Received: shape \(0,\)"):
        ALL[name](np.zeros(0, np.float32))
    with pytest.raises(AudioError, match="2 of 100 are NaN"):
        ALL[name](np.float32([np.nan, np.inf] + [0] * 98))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: time_stretch(x, 0), ValueError, "`rate` must be from 0.1 to 10. Received: 0"),
        (lambda x: time_stretch(x, float("nan")), ValueError, "Received: nan"),
        (lambda x: time_stretch(x, -1.5), ValueError, "factor: 1.1"),
        (lambda x: time_stretch(x, "2"), TypeError, "`rate` must be a number. Received: '2'"),
        (lambda x: time_stretch(x, True), TypeError, "Received: True"),
        (lambda x: pitch_shift(x, 16000, 100), ValueError, "`semitones` must be from -24 to 24. Received: 100"),
        (lambda x: pitch_shift(x, 16, 1), ValueError, "Did you pass kHz"),
        (lambda x: dynamic_range(x, 16, "speech"), ValueError, "Did you pass kHz"),
        (lambda x: dynamic_range(x, 16000, "music_standard"), LookupError, "Did you mean 'music standard'"),
        (lambda x: white_noise(x, 40, 0), ValueError, "`rate` must be from 0 to 1. Received: 40. .* 40 %"),
        (lambda x: white_noise(x, 0.4, None), TypeError, "`rng` must be a seed"),
    ],
)
def test_amounts_beyond_sense_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(NOISE.astype(np.float32))

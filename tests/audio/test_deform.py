"""Deformations: what each does, what it refuses, and the page about them."""

import re
from pathlib import Path

import librosa
import numpy as np
import pytest

from keras_musictag.audio import deform, dynamic_range, pitch_shift, time_stretch, white_noise
from keras_musictag.audio.deform import stretched_length
from keras_musictag.errors import AudioError
from tests.audio.tones import loudest_hz, sine

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
def test_unusual_sounds_are_deformed_without_a_warning(name, sound):
    samples = SOUNDS[sound].astype(np.float32)
    before = samples.copy()
    deformed = ALL[name](samples)
    expected = max(1, round(len(samples) / 2**0.5)) if name == "time_stretch" else len(samples)
    assert deformed.shape == (expected,)
    assert deformed.dtype == np.float32
    assert np.isfinite(deformed).all()
    np.testing.assert_array_equal(samples, before)  # the input is unchanged


@pytest.mark.parametrize("name", ALL)
def test_silence_stays_silence(name):
    assert not ALL[name](np.zeros(4000, np.float32)).any()


@pytest.mark.parametrize("name", ALL)
def test_the_same_input_gives_the_same_output(name):
    samples = NOISE.astype(np.float32)
    np.testing.assert_array_equal(ALL[name](samples), ALL[name](samples))


@pytest.mark.parametrize("name", ALL)
def test_float64_and_views_give_the_result_of_float32(name):
    samples = NOISE.astype(np.float32)
    np.testing.assert_array_equal(ALL[name](samples.astype(np.float64)), ALL[name](samples))
    np.testing.assert_array_equal(ALL[name](samples[::-2]), ALL[name](samples[::-2].copy()))


@pytest.mark.parametrize("name", ALL)
def test_invalid_samples_are_refused(name):
    with pytest.raises(TypeError, match="`samples` must be floats.*int16"):
        ALL[name](np.zeros(100, np.int16))
    with pytest.raises(AudioError, match=r"mono, shape \(samples,\).*\(2, 100\)"):
        ALL[name](np.zeros((2, 100), np.float32))
    with pytest.raises(AudioError, match=r"at least one sample. Received: shape \(0,\)"):
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
def test_absurd_amounts_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(NOISE.astype(np.float32))


@pytest.mark.parametrize("rate", [2**-0.5, 0.9, 1.1, 2**0.5, 2])
def test_time_stretch_changes_length_and_keeps_pitch(rate):
    stretched = time_stretch(sine(440), rate)
    assert len(stretched) == round(32000 / rate) == stretched_length(32000, rate)
    # tolerance: the vocoder follows the phase of a steady tone; a semitone would be 26 Hz
    assert loudest_hz(stretched) == pytest.approx(440, abs=0.5)


def test_a_stretched_29_s_clip_is_too_short_for_fcn():
    """29 s at rate 2 ** 0.5: less than the 464,000 samples of the networks that take a whole clip."""
    assert stretched_length(465984, 2**0.5) == 329500  # 465,984 / 1.41421356 = 329,500.4
    assert stretched_length(465984, 2**-0.5) == 659001


def test_time_stretch_keeps_loudness():
    middle = time_stretch(sine(440), 2**0.5)[4000:-4000]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / 2**0.5, rel=0.02)  # RMS of a sine with a peak of 0.5


def test_time_stretch_moves_events_in_time():
    """440 Hz for one second, then 880 Hz: at twice the speed, the second tone starts after half a second."""
    stretched = time_stretch(np.concatenate([sine(440, 1.0), sine(880, 1.0)]), 2)
    assert loudest_hz(stretched[1600:6400]) == pytest.approx(440, abs=1)
    assert loudest_hz(stretched[9600:14400]) == pytest.approx(880, abs=1)


def test_time_stretch_equals_librosa_with_its_defaults():
    """So librosa alone can reproduce the figures of the protocol."""
    noise = np.random.default_rng(0).uniform(-1, 1, 5000).astype(np.float32)
    np.testing.assert_array_equal(time_stretch(noise, 1.3), librosa.effects.time_stretch(noise, rate=1.3))


def test_time_stretch_keeps_at_least_one_sample():
    assert time_stretch(np.ones(1, np.float32), 10).shape == (1,)


@pytest.mark.parametrize("semitones", [-12, -1, -0.5, 1, 2, 7])
def test_pitch_shift_moves_a_tone_by_its_semitones(semitones):
    shifted = pitch_shift(sine(440), 16000, semitones)
    assert len(shifted) == 32000
    # tolerance: 0.1 %; a semitone is 5.9 %
    assert loudest_hz(shifted) == pytest.approx(440 * 2 ** (semitones / 12), rel=1e-3)


def test_pitch_shift_keeps_events_in_place():
    tones = np.concatenate([sine(440, 1.0), sine(880, 1.0)])
    shifted = pitch_shift(tones, 16000, 1)
    assert loudest_hz(shifted[1600:14400]) == pytest.approx(466.16, abs=1)
    assert loudest_hz(shifted[17600:30400]) == pytest.approx(932.33, abs=1)


def test_pitch_shift_filters_out_what_passes_nyquist():
    """7.9 kHz shifted up by a semitone would be 8.4 kHz: it must not fold back to 7.6 kHz."""
    kept, lost = (pitch_shift(sine(hz), 16000, 1)[4000:-4000] for hz in (1000, 7900))
    # tolerance: the vocoder makes a tone between two bins slightly softer
    assert np.sqrt(np.mean(kept**2)) == pytest.approx(0.5 / 2**0.5, rel=0.15)
    assert np.sqrt(np.mean(lost**2)) < 0.01 * 0.5


def test_pitch_shift_does_not_depend_on_the_sample_rate():
    np.testing.assert_allclose(pitch_shift(sine(440), 16000, 1), pitch_shift(sine(440), 44100, 1), atol=1e-4)


def test_pitch_shift_equals_librosa_with_its_defaults():
    noise = np.random.default_rng(0).uniform(-1, 1, 5000).astype(np.float32)
    expected = librosa.effects.pitch_shift(noise, sr=16000, n_steps=-1)
    np.testing.assert_array_equal(pitch_shift(noise, 16000, -1), expected)


def noise_in(noisy, samples, rate):
    return noisy.astype(np.float64) - (1 - rate) * samples


@pytest.mark.parametrize("rate", [0.1, 0.4, 1.0])
def test_noise_peaks_at_its_share_of_the_highest_sample(rate):
    samples = sine(440, peak=0.8)
    noise = noise_in(white_noise(samples, rate, 0), samples, rate)
    assert np.abs(noise).max() == pytest.approx(rate * samples.max(), rel=1e-5)


def test_by_hand():
    """The larger of two noise samples becomes the peak, and the other keeps its ratio to it."""
    first, second = np.random.default_rng(7).standard_normal(2)
    largest = max(abs(first), abs(second))
    expected = [0.75 * 0.5 + 0.25 * 0.5 * first / largest, 0.75 * -0.25 + 0.25 * 0.5 * second / largest]
    np.testing.assert_allclose(white_noise(np.float32([0.5, -0.25]), 0.25, 7), expected, rtol=1e-6)


def test_noise_is_scaled_to_the_highest_sample_not_magnitude():
    """As in the source: max(x), not max(|x|)."""
    samples = np.float32([0.25, -1.0] * 500)
    noise = noise_in(white_noise(samples, 0.5, 0), samples, 0.5)
    assert np.abs(noise).max() == pytest.approx(0.5 * 0.25, rel=1e-5)


def test_the_signal_to_noise_ratio_is_as_computed():
    """The power is that of Gaussian noise whose highest sample of 32,000 is 0.4 * 0.5."""
    samples = sine(440)
    noise = noise_in(white_noise(samples, 0.4, 0), samples, 0.4)
    ratio_db = 10 * np.log10(np.mean((0.6 * samples) ** 2) / np.mean(noise**2))
    drawn = np.random.default_rng(0).standard_normal(32000)
    deviation = 0.4 * 0.5 / np.abs(drawn).max()
    assert ratio_db == pytest.approx(20 * np.log10(0.6 * 0.5 / 2**0.5 / deviation), abs=0.05)
    assert 12 < ratio_db < 15  # the highest of so many samples is 4.2 standard deviations: 13.3 dB


def test_the_noise_is_white_and_gaussian():
    noise = noise_in(white_noise(sine(440, seconds=8), 1.0, 3), 0, 1.0)
    low, high = np.split(np.abs(np.fft.rfft(noise))[:-1] ** 2, 2)
    assert low.mean() == pytest.approx(high.mean(), rel=0.03)  # 32,000 bins in each half: 0.6 % by chance
    assert np.mean(noise**4) / np.mean(noise**2) ** 2 == pytest.approx(3, abs=0.1)  # kurtosis; uniform noise has 1.8


def test_a_seed_determines_the_noise():
    samples = sine(440)
    first = white_noise(samples, 0.4, 0)
    np.testing.assert_array_equal(first, white_noise(samples, 0.4, np.random.default_rng(0)))
    assert (first != white_noise(samples, 0.4, 1)).mean() > 0.9


def test_a_generator_gives_new_noise_each_time():
    rng = np.random.default_rng(0)
    assert (white_noise(sine(440), 0.4, rng) != white_noise(sine(440), 0.4, rng)).any()


def test_a_noise_rate_of_0_changes_nothing():
    np.testing.assert_array_equal(white_noise(sine(440), 0, 0), sine(440))


ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deformations.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_code_on_the_page_prints_what_it_shows(capsys):
    (shown,) = blocks("text")
    exec(compile("\n".join(blocks("python")), "docs/deformations.md", "exec"), {})
    assert capsys.readouterr().out == shown


def test_the_table_lists_every_deformation_and_version():
    rows = re.findall(r"^\| `(\w+)\(.*\)` \| .* \| (\d+) \|$", PAGE, flags=re.MULTILINE)
    versions = {name: number for name, number in vars(deform).items() if name.endswith("_VERSION")}
    assert {f"{name.upper()}_VERSION": int(version) for name, version in rows} == versions
    assert {name for name, _ in rows} == set(ALL)

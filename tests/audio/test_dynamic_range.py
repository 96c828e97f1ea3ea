"""Dynamic range: equal to sox sample by sample, and to the curve as worked out by hand."""

import subprocess

import numpy as np
import pytest
import soundfile

from keras_musictag.audio import dynamic_range
from keras_musictag.audio.deform import PRESETS
from tests.audio.tones import sine
from tests.checks import signals

# the arguments that the 2020 evaluation passes to sox
SOX_ARGUMENTS = {
    "radio": "0.01,1 -90,-90,-70,-70,-60,-20,0,0 -5",
    "film standard": "0.1,0.3 -90,-90,-70,-64,-43,-37,-31,-31,-21,-21,0,-20 0 0 0.1",
    "film light": "0.1,0.3 -90,-90,-70,-64,-53,-47,-41,-41,-21,-21,0,-20 0 0 0.1",
    "music standard": "0.1,0.3 -90,-90,-70,-58,-55,-43,-31,-31,-21,-21,0,-20 0 0 0.1",
    "music light": "0.1,0.3 -90,-90,-70,-58,-65,-53,-41,-41,-21,-21,0,-11 0 0 0.1",
    "speech": "0.1,0.3 -90,-90,-70,-55,-50,-35,-31,-31,-21,-21,0,-20 0 0 0.1",
}
TIME = np.arange(5 * 16000) / 16000
NOISE = np.random.default_rng(0).standard_normal(len(TIME))
SOUNDS = {
    "sine_bursts": np.sin(2 * np.pi * 440 * TIME) * np.where(TIME % 1 < 0.3, 1.0, 0.003),
    "clipped_noise": 0.5 * NOISE,
    "through_all_levels": np.sin(2 * np.pi * 220 * TIME) * 10 ** (-TIME),  # 100 dB down
    "music_like": signals(len(TIME))[1],
    "quiet_then_full_scale": np.where(TIME < 4.95, 3e-4, 1.0),
    "full_scale": 0 * TIME + 1,  # FFmpeg would round the end of the curve at this level, and sox does not
    "silence": 0 * TIME,
    "one_sample": np.full(1, 0.7),
    "shorter_than_the_delay": 0.5 * NOISE[:100],
}


def sox(samples, preset, folder, sample_rate_hz=16000, dither=False):
    """As in the code of the evaluation: written by soundfile, deformed by sox, read back."""
    source, target = folder / "in.wav", folder / "out.wav"
    soundfile.write(source, samples, sample_rate_hz)
    options = [] if dither else ["-D"]
    command = ["sox", *options, source, target, "-q", "compand", *SOX_ARGUMENTS[preset].split()]
    subprocess.run(command, check=True, capture_output=True)
    return soundfile.read(target, dtype="float32")[0]


def assert_equal_but_for_ties(found, expected):
    """Equal here, but another libm may round one sample in a thousand to the neighbouring 16-bit step."""
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 2.0**-15
    assert (found != expected).mean() <= 1e-3


@pytest.mark.needs("sox")
@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("preset", PRESETS)
def test_it_equals_sox(preset, sound, tmp_path):
    samples = SOUNDS[sound].astype(np.float32)
    assert_equal_but_for_ties(dynamic_range(samples, 16000, preset), sox(samples, preset, tmp_path))


@pytest.mark.needs("sox")
@pytest.mark.parametrize("sample_rate_hz", [11025, 22050, 44100])
def test_it_equals_sox_at_other_sample_rates(sample_rate_hz, tmp_path):
    samples = SOUNDS["sine_bursts"].astype(np.float32)
    expected = sox(samples, "speech", tmp_path, sample_rate_hz)
    assert_equal_but_for_ties(dynamic_range(samples, sample_rate_hz, "speech"), expected)


def test_a_sample_rate_may_be_a_fraction():
    """Near a whole rate, the gain is nearly that of the whole rate: the times are not rounded with the rate."""
    samples = SOUNDS["sine_bursts"].astype(np.float32)
    found, whole = (dynamic_range(samples, rate, "radio") for rate in (16000.49, 16000))
    assert 0 < np.abs(found - whole).max() < 1e-3


@pytest.mark.needs("sox")
def test_dithered_sox_is_within_one_step(tmp_path):
    samples = SOUNDS["music_like"].astype(np.float32)
    dithered = sox(samples, "music standard", tmp_path, dither=True)
    difference = np.abs(dynamic_range(samples, 16000, "music standard") - dithered)
    assert 0 < difference.max() <= 2.0**-15


@pytest.mark.parametrize(
    ("preset", "level_db", "expected_db"),
    [
        ("music standard", -43.0, -37.0),  # between (-55, -43) and (-31, -31): halfway
        ("music standard", -10.5, -20.5),  # between (-21, -21) and (0, -20): halfway
        ("speech", -60.0, -45.0),  # between (-70, -55) and (-50, -35): halfway
        ("speech", -26.0, -26.0),  # between (-31, -31) and (-21, -21): unchanged
        ("radio", -30.0, -15.0),  # between (-60, -20) and (0, 0): halfway, less 5 dB of gain
    ],
)
def test_a_constant_settles_at_the_level_of_the_curve(preset, level_db, expected_db):
    """Once the follower has settled (10 decay times), the output is at the level of the curve."""
    seconds = 10 * PRESETS[preset].decay_seconds
    samples = np.full(round(seconds * 16000), 10 ** (level_db / 20), np.float32)
    found_db = 20 * np.log10(dynamic_range(samples, 16000, preset)[-1])
    assert found_db == pytest.approx(expected_db, abs=0.25)  # at -60 dB, a 16-bit step is 0.27 dB


def test_the_attack_reaches_63_percent_in_the_attack_time():
    """After silence, 0.1 s at full scale reach a level of 1 - 1/e, which is -3.98 dB and has a gain of -16.4 dB."""
    samples = np.concatenate([np.zeros(6 * 16000), np.ones(16000)]).astype(np.float32)
    at_the_onset = dynamic_range(samples, 16000, "speech")[6 * 16000 - 1 :][:2]  # the gain is 0.1 s ahead
    level_db = 20 * np.log10(1 - np.exp(-1))
    assert at_the_onset[0] == 0
    gain_db = -20 * (21 + level_db) / 21
    assert 20 * np.log10(at_the_onset[1]) == pytest.approx(gain_db, abs=0.01)


def test_loud_and_soft_parts_get_closer():
    samples = np.concatenate([sine(440, 4, peak=0.9), sine(440, 4, peak=0.009)])  # 40 dB apart
    deformed = dynamic_range(samples, 16000, "speech")
    loud, soft = (np.sqrt(np.mean(deformed[at : at + 16000] ** 2)) for at in (32000, 112000))
    assert 20 * np.log10(loud / soft) < 25


def test_the_output_is_on_the_16_bit_grid():
    steps = dynamic_range(SOUNDS["clipped_noise"].astype(np.float32), 16000, "radio") * 2**15
    np.testing.assert_array_equal(steps, np.round(steps))
    assert steps.min() >= -(2**15) and steps.max() < 2**15

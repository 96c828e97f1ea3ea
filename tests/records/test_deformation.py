import numpy as np
import pytest

from keras_musictag.audio import dynamic_range
from keras_musictag.errors import UnknownNameError
from keras_musictag.records import Deform, deform_track

NONE = {"stretch_rate": None, "pitch_semitones": None, "dynamic_range": (), "noise_rate": None}
SAMPLES = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)


def deformed(track_index=0, seed=0, epoch=0, **kinds):
    settings = Deform(**{"probability": 1.0, **NONE, **kinds})
    return deform_track(SAMPLES, 16000, settings, seed=seed, epoch=epoch, track_index=track_index)


@pytest.mark.parametrize("name", ["seed", "epoch", "track_index"])
def test_a_deformation_depends_on_its_three_inputs_only(name):
    noise = {"noise_rate": (0.1, 0.4)}
    np.testing.assert_array_equal(deformed(**noise), deformed(**noise))
    assert not np.array_equal(deformed(**noise), deformed(**noise, **{name: 1}))


def test_stretching_is_balanced_and_within_its_range():
    lengths = np.array([len(deformed(index, stretch_rate=(0.5, 2.0))) for index in range(24)])
    assert 4000 <= lengths.min() < 5000 and 13000 < lengths.max() <= 16000
    assert 6 < (lengths < 8000).sum() < 18


def test_a_pitch_shift_keeps_the_length():
    shifted = deformed(pitch_semitones=(1.0, 1.0))
    assert shifted.shape == SAMPLES.shape and not np.allclose(shifted, SAMPLES, atol=1e-3)


def test_both_presets_are_drawn():
    expected = {dynamic_range(SAMPLES, 16000, preset).tobytes() for preset in ("speech", "radio")}
    assert {deformed(index, dynamic_range=("speech", "radio")).tobytes() for index in range(12)} == expected


def test_the_share_of_noise_is_uniform_in_its_range():
    shares = []
    for index in range(60):
        noisy = deformed(index, noise_rate=(0.1, 0.4))
        shares.append(1 - (noisy @ SAMPLES) / (SAMPLES @ SAMPLES))  # noise is not correlated with the sound
    assert 0.05 < min(shares) < 0.16 and 0.34 < max(shares) < 0.45


def test_tracks_are_deformed_with_the_given_probability():
    settings = Deform(**{**NONE, "noise_rate": (0.1, 0.4), "probability": 0.25})
    changed = [
        deform_track(SAMPLES, 16000, settings, seed=0, epoch=0, track_index=index) is not SAMPLES
        for index in range(400)
    ]
    assert 70 < sum(changed) < 130  # 100, within three and a half standard deviations


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"probability": 1.5}, "`probability` must be from 0 to 1. Received: 1.5"),
        ({"noise_rate": (0.4, 0.1)}, r"`noise_rate` must be \(low, high\)"),
        ({"pitch_semitones": (1.0,)}, r"`pitch_semitones` must be \(low, high\)"),
        ({"stretch_rate": (0.0, 1.0)}, "`stretch_rate` must be above 0"),
        (NONE, "must allow at least one kind"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Deform(**settings)


def test_an_unknown_preset_is_refused():
    with pytest.raises(UnknownNameError, match="There is no preset 'speach'. Did you mean 'speech'"):
        Deform(dynamic_range=("speach",))

import numpy as np
import pytest

from keras_musictag import demo_clip
from keras_musictag.audio import dynamic_range, pitch_shift, read, time_stretch, white_noise
from keras_musictag.errors import UnknownNameError
from keras_musictag.robustness import CONDITIONS
from keras_musictag.robustness.conditions import choose_conditions

DEFORMED = [name for name in CONDITIONS if name != "original"]


@pytest.fixture(scope="module")
def music():
    return read(demo_clip()).samples[100000:148000]


def deformed(name, samples, seed=0, track_index=3):
    return CONDITIONS[name].deform(seed)(samples, 16000, track_index)


def test_the_papers_conditions_use_its_amounts(music):
    expected = {
        "time_stretch_slower": time_stretch(music, 2**-0.5),
        "time_stretch_faster": time_stretch(music, 2**0.5),
        "pitch_shift_down": pitch_shift(music, 16000, -1),
        "pitch_shift_up": pitch_shift(music, 16000, 1),
        "drc_music": dynamic_range(music, 16000, "music standard"),
        "drc_speech": dynamic_range(music, 16000, "speech"),
        "noise_0.1": white_noise(music, 0.1, np.random.default_rng([0, 3])),
        "noise_0.4": white_noise(music, 0.4, np.random.default_rng([0, 3])),
    }
    assert choose_conditions("paper") == ("original", *expected)
    for name, samples in expected.items():
        np.testing.assert_array_equal(deformed(name, music), samples, err_msg=name)


@pytest.mark.parametrize("name", DEFORMED)
def test_conditions_are_repeatable_and_leave_the_input_unchanged(name, music):
    before = music.copy()
    once = deformed(name, music)
    np.testing.assert_array_equal(music, before)
    np.testing.assert_array_equal(deformed(name, music), once)
    assert once.dtype == np.float32 and np.isfinite(once).all()
    assert len(once) != len(music) or np.abs(once - music).max() > 0.001


@pytest.mark.parametrize("name", DEFORMED)
def test_silence_and_a_single_sample_work(name):
    silent = deformed(name, np.zeros(20000, np.float32))
    assert len(silent) and not silent.any()
    assert np.isfinite(deformed(name, np.ones(1, np.float32))).all()


def test_only_noise_depends_on_seed_and_track(music):
    for name in DEFORMED:
        for other in ({"seed": 1}, {"track_index": 4}):
            same = np.array_equal(deformed(name, music), deformed(name, music, **other))
            assert same == (not name.startswith("noise")), name
        assert ("deformation_seed" in CONDITIONS[name].facts(0)) == name.startswith("noise")


def test_both_amounts_of_noise_are_the_same_noise(music):
    soft, loud = (deformed(f"noise_{rate}", music) - (1 - rate) * music for rate in (0.1, 0.4))
    np.testing.assert_allclose(soft * 4, loud, atol=1e-6)


def test_facts_state_settings_version_and_library():
    import librosa

    assert CONDITIONS["time_stretch_faster"].facts(0) == {
        "deformation_settings": f"time_stretch, rate={2**0.5}",
        "deformation_version": 1,
        "deformation_libraries": f"librosa {librosa.__version__}",
    }
    assert CONDITIONS["noise_0.1"].facts(7)["deformation_seed"] == 7
    assert CONDITIONS["original"].facts(0) == {}


def test_chosen_conditions_include_the_original_in_fixed_order():
    assert choose_conditions("all") == tuple(CONDITIONS)
    assert choose_conditions("gain_up_12,noise_0.1") == ("original", "noise_0.1", "gain_up_12")
    with pytest.raises(UnknownNameError, match="There is no condition 'nois_0.1'. Did you mean 'noise_0.1'"):
        choose_conditions("drc_music,nois_0.1")
    with pytest.raises(UnknownNameError, match="There is no condition ''"):
        choose_conditions("")


def test_conditions_of_a_kind_have_different_positions():
    places = [(condition.kind, condition.position) for condition in CONDITIONS.values()]
    assert len(set(places)) == len(places)
    assert all(condition.position for condition in CONDITIONS.values() if condition.kind)

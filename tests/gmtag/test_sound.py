from random import Random

from keras_musictag.gmtag.sound import CLIP_SECONDS, UNSEEN_SOUNDFONT, draw_sound, subset_of


def soundfonts(part):
    return [draw_sound(Random(seed), part).soundfont for seed in range(400)]


def test_the_unseen_soundfont_is_in_half_of_test_only():
    assert UNSEEN_SOUNDFONT not in soundfonts("train") + soundfonts("valid")
    assert 0.4 < soundfonts("test").count(UNSEEN_SOUNDFONT) / 400 < 0.6


def test_the_other_soundfonts_are_in_every_part():
    heard = set(soundfonts("train"))
    assert len(heard) == 2
    assert set(soundfonts("valid")) == heard
    assert set(soundfonts("test")) == heard | {UNSEEN_SOUNDFONT}


def test_only_test_has_subsets():
    assert [subset_of(part, UNSEEN_SOUNDFONT) for part in ("train", "valid", "test")] == ["", "", "unseen"]
    assert subset_of("test", "FluidR3") == "seen"


def test_the_window_is_as_long_as_a_clip():
    start, end = draw_sound(Random(0), "train").window
    assert 0 <= start <= 3
    assert abs(end - start - CLIP_SECONDS) < 1e-9

import pytest

from keras_musictag.choices import TIERS
from keras_musictag.errors import UnknownNameError
from keras_musictag.gmtag import parts_of, tier_parts
from keras_musictag.gmtag.corpus import tier_of


def test_tiers_have_60_and_300_and_3000_clips():
    assert {name: sum(parts.values()) for name, parts in TIERS.items()} == {"tiny": 60, "small": 300, "full": 3000}


def test_each_part_is_the_beginning_of_the_next_tiers_part():
    for part in ("train", "valid", "test"):
        assert TIERS["tiny"][part] < TIERS["small"][part] < TIERS["full"][part]


@pytest.mark.parametrize("clips", [4, 5, 59, 301, 12345])
def test_parts_add_up_and_none_is_empty(clips):
    parts = parts_of(clips)
    assert sum(parts.values()) == clips
    assert min(parts.values()) >= 1


def test_parts_grow_with_the_corpus():
    for clips in range(4, 400):
        before, after = parts_of(clips), parts_of(clips + 1)
        assert all(after[part] >= before[part] for part in after), clips


@pytest.mark.parametrize("clips", [3, 0, -1, 10.0, "10", True])
def test_too_few_clips_are_refused(clips):
    with pytest.raises(ValueError, match="`clips` must be a whole number of 4 or more"):
        parts_of(clips)


def test_an_unknown_tier_is_reported_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="tiny, small, full"):
        tier_parts("huge")


def test_other_sizes_have_no_tier():
    assert tier_of(parts_of(100)) is None

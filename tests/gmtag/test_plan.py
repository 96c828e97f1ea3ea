from collections import Counter
from random import Random

import pytest

from keras_musictag.gmtag.genres import GENRES, genres_of
from keras_musictag.gmtag.packages import LIBRARY
from keras_musictag.gmtag.plan import draw_plan, genre_of_clip, part_of_files

PARTS = ("train", "valid", "test")


def plans(part, count=300):
    return [draw_plan(Random(index), part, index, LIBRARY) for index in range(count)]


@pytest.mark.needs("mma")
@pytest.mark.parametrize("part", PARTS)
def test_a_part_has_only_its_own_groove_files(part):
    assert {part_of_files()[plan.groove_file] for plan in plans(part)} == {part}


@pytest.mark.parametrize("part", PARTS)
def test_fifty_clips_in_a_row_have_every_genre(part):
    for start in (0, 17, 1000):
        assert {genre_of_clip(part, index) for index in range(start, start + 50)} == set(GENRES)


def test_genres_occur_in_proportion_to_their_weights():
    counts = Counter(genre_of_clip("train", index) for index in range(2400))
    whole = sum(genre.weight for genre in GENRES.values())
    for name, genre in GENRES.items():
        assert abs(counts[name] - 2400 * genre.weight / whole) < 3, name


@pytest.mark.needs("mma")
def test_the_music_lasts_beyond_the_clip():
    for plan in plans("train"):
        assert plan.bars * plan.beats_per_bar * 60 / plan.bpm > plan.sound.window[1]


@pytest.mark.needs("mma")
def test_borrowed_pieces_have_one_genre_others_those_of_the_file():
    borrowed = [plan for plan in plans("train", 600) if plan.drum_groove]
    assert {plan.genre for plan in borrowed} == {"metal", "hip hop"}
    for plan in plans("train", 600):
        expected = (plan.genre,) if plan.drum_groove else genres_of(plan.groove_file)
        assert plan.genre_tags == expected
        assert plan.genre in expected
        assert plan.beats_per_bar == 4 or not plan.drum_groove


@pytest.mark.needs("mma")
def test_two_grooves_alternate_every_eight_bars():
    plan = next(plan for plan in plans("train") if len(plan.grooves) == 2)
    first, second = (f"{plan.groove_file}:{groove}" for groove in plan.grooves)
    assert [plan.groove(bar) for bar in (0, 7, 8, 15, 16)] == [first, first, second, second, first]


@pytest.mark.needs("mma")
def test_the_tempo_is_in_the_range_of_the_genre():
    for plan in plans("train"):
        assert GENRES[plan.genre].slowest_bpm <= plan.bpm <= GENRES[plan.genre].fastest_bpm

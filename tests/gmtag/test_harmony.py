from random import Random

import pytest

from keras_musictag.gmtag.genres import GENRES
from keras_musictag.gmtag.harmony import Chord, Key, draw_progression


@pytest.mark.parametrize("genre", GENRES)
@pytest.mark.parametrize("minor", [False, True], ids=["major", "minor"])
def test_progressions_begin_on_the_key_note_and_stay_in_the_key(genre, minor):
    for seed in range(100):
        key = Key(seed % 12, minor)
        chords = draw_progression(Random(seed), genre, key)
        assert chords[0].root == key.pitch_class
        assert {chord.root for chord in chords} <= set(key.scale)
        assert len(chords) in (4, 6, 8, 12)


def test_triads_have_notes_of_the_key_except_the_minor_dominant():
    for seed in range(200):
        key = Key(seed % 12, minor=seed % 2 == 1)
        for chord in draw_progression(Random(seed), "rock", key):
            if chord.kind in ("", "m"):
                assert set(chord.triad) <= set(key.scale), (str(key), chord)


def test_blues_in_major_has_twelve_bars():
    drawn = [draw_progression(Random(seed), "blues", Key(0, minor=False)) for seed in range(40)]
    twelve = [[chord.root for chord in chords] for chords in drawn if len(chords) == 12]
    assert [0, 0, 0, 0, 5, 5, 0, 0, 7, 5, 0, 7] in twelve
    assert 20 < len(twelve) < 40  # four in five


def test_jazz_has_more_sevenths_than_rock():
    def plain(genre):
        progressions = (draw_progression(Random(seed), genre, Key(0, minor=False)) for seed in range(100))
        kinds = [chord.kind for chords in progressions for chord in chords]
        return sum(kind in ("", "m") for kind in kinds) / len(kinds)

    assert plain("jazz") < 0.2 < 0.7 < plain("rock")


def test_chords_are_written_as_musicians_write_them():
    assert Chord(1, "m7").symbol == "Dbm7"
    assert Chord(9, "m").triad == (9, 0, 4)
    assert Chord(0, "M7").triad == (0, 4, 7)

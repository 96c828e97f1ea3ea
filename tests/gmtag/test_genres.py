import pytest

from keras_musictag.gmtag.genres import DRUM_FILES, GENRES, genres_of, groove_files
from keras_musictag.gmtag.packages import LIBRARY
from keras_musictag.gmtag.plan import BEATS_PER_BAR, beats_per_bar, grooves_in


@pytest.mark.needs("mma")
@pytest.mark.parametrize("file", [*groove_files(), *DRUM_FILES])
def test_mma_has_every_groove_file_with_playable_grooves(file):
    assert grooves_in(LIBRARY, file)


def test_no_genre_lists_a_file_twice():
    for genre in GENRES.values():
        assert len(set(genre.groove_files)) == len(genre.groove_files)


@pytest.mark.needs("mma")
def test_waltzes_have_three_beats():
    for file in groove_files():
        if "waltz" in file:
            assert "waltz" in genres_of(file)
            assert beats_per_bar(LIBRARY, file) == 3


@pytest.mark.needs("mma")
def test_lenders_have_files_of_four_beats_in_every_part():
    from keras_musictag.gmtag.plan import files_of

    for genre in GENRES.values():
        assert bool(genre.lender) == bool(genre.drum_file)
        for part in ("train", "valid", "test") if genre.lender else ():
            assert any(beats_per_bar(LIBRARY, file) == BEATS_PER_BAR for file in files_of(genre.lender, part))


def test_tempo_ranges_and_weights_are_valid():
    for genre in GENRES.values():
        assert 40 <= genre.slowest_bpm < genre.fastest_bpm <= 240
        assert genre.weight > 0

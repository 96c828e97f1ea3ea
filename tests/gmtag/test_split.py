import pytest

from keras_musictag.gmtag.genres import DRUM_FILES, GENRES, groove_files
from keras_musictag.gmtag.packages import LIBRARY
from keras_musictag.gmtag.plan import drum_grooves_of, files_of, grooves_in, part_of_files

PARTS = ("train", "valid", "test")


def test_every_groove_file_is_in_one_part():
    assert set(part_of_files()) == set(groove_files())
    assert set(part_of_files().values()) == set(PARTS)


@pytest.mark.parametrize("genre", GENRES)
def test_every_genre_has_files_in_every_part_and_none_in_two(genre):
    files = [files_of(genre, part) for part in PARTS]
    assert all(files)
    assert sorted(sum(files, ())) == sorted(GENRES[genre].groove_files)


def test_most_files_are_in_train():
    parts = list(part_of_files().values())
    assert {part: parts.count(part) for part in PARTS} == {"train": 155, "valid": 27, "test": 35}


@pytest.mark.needs("mma")
@pytest.mark.parametrize("drum_file", DRUM_FILES)
def test_every_drum_pattern_is_in_one_part(drum_file):
    patterns = grooves_in(LIBRARY, drum_file)
    parts = [drum_grooves_of(drum_file, patterns, part) for part in PARTS]
    assert all(parts)
    assert sorted(sum(parts, ())) == sorted(patterns)


@pytest.mark.needs("mma")
def test_a_patterns_part_does_not_depend_on_the_files_order():
    patterns = grooves_in(LIBRARY, "zoom/mtl")
    assert drum_grooves_of("zoom/mtl", patterns[::-1], "test") == drum_grooves_of("zoom/mtl", patterns, "test")

from collections import Counter

from keras_musictag.gmtag import vocabulary
from keras_musictag.gmtag.genres import GENRES
from keras_musictag.gmtag.instruments import FAMILIES


def test_there_are_50_tags_and_each_is_possible():
    given = [*GENRES, *FAMILIES, "drums", "no drums", "fast", "slow", "minor", "solo"]
    assert list(vocabulary()) == given
    assert len(given) == 50


def test_tags_have_groups():
    assert Counter(vocabulary().groups) == {"genre": 19, "instrument": 27, "rhythm": 2, "other": 2}
    assert vocabulary().group("genre") == tuple(GENRES)

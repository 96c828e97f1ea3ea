"""Words become terms: the longest names, synonyms, opposites, negations."""

import pytest

from keras_musictag import UnknownNameError
from keras_musictag.library.query import parse_query

MTAT = ("piano", "techno", "quiet", "soft", "vocal", "female vocal", "no vocals", "slow", "fast", "new age", "rock")
MSD = ("instrumental", "female vocalists", "Hip-Hop", "Mellow", "rock", "classic rock", "piano")


def read(text, tags=(*MTAT, *MSD)):
    return [(term.text, set(term.tags), term.negated) for term in parse_query(text, tags)]


@pytest.mark.parametrize("text", ["piano rock", "piano, rock", " piano ;ROCK", 'piano "rock"', "Piano and rock"])
def test_commas_spaces_and_quotes_separate(text):
    assert [(tags, negated) for _, tags, negated in read(text)] == [({"piano"}, False), ({"rock"}, False)]


@pytest.mark.parametrize("word", ["no", "not", "without", "NOT"])
def test_negations(word):
    assert read(f"piano {word} techno, rock") == [
        ("piano", {"piano"}, False),
        (f"{word} techno", {"techno"}, True),
        ("rock", {"rock"}, False),
    ]
    assert read(f"{word} not techno")[0][2] is False


def test_the_longest_name_wins():
    assert read("classic rock") == [("classic rock", {"classic rock"}, False)]
    assert read("new age slow", [*MTAT, "new", "age"])[0][1] == {"new age"}


@pytest.mark.parametrize("text", ["Hip-Hop", "hip hop", "hiphop", '"hip hop"'])
def test_spelling_is_forgiven(text):
    assert read(text)[0][1] == {"Hip-Hop"}


def test_synonyms_cross_vocabularies():
    assert read("calm")[0][1] == {"quiet", "soft", "Mellow"}
    assert read("female vocals")[0][1] == {"female vocal", "female vocalists"}
    assert read("calm", ["Mellow", "rock"])[0][1] == {"Mellow"}


def test_instrumental_means_no_vocals():
    (instrumental,) = parse_query("instrumental", [*MTAT, *MSD])
    (no_vocals,) = parse_query("no vocals", [*MTAT, *MSD])
    assert instrumental.negated and no_vocals.negated
    assert instrumental.tags == no_vocals.tags == {"vocal", "female vocal", "female vocalists"}
    assert instrumental.opposites == no_vocals.opposites == {"no vocals", "instrumental"}
    assert read("not instrumental")[0][2] is False
    assert read("instrumental", ["instrumental"]) == [("instrumental", {"instrumental"}, False)]


def test_opposites_count_against():
    (slow,) = parse_query("slow", MTAT)
    assert (slow.tags, slow.opposites) == ({"slow"}, {"fast"})
    assert parse_query("slow", ["slow"])[0].opposites == set()


def test_an_unknown_word_is_named():
    with pytest.raises(UnknownNameError, match="'pianno'. Did you mean 'piano'"):
        read("calm pianno")


@pytest.mark.parametrize("text", ["", " , ", "piano no", '""'])
def test_words_are_needed(text):
    with pytest.raises(ValueError, match="Received"):
        read(text)

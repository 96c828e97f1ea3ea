"""Words rank by how far scores are above thresholds; examples by the exact cosine."""

import numpy as np
import pytest

from keras_musictag import MusicTagError, UnknownNameError, Vocabulary
from keras_musictag.library import (
    Database,
    Filters,
    Labels,
    embed_example,
    read_vectors,
    search_library,
    stored_example,
)
from keras_musictag.library.searching import find_matches
from tests.library.synthetic import add_scores, random_library

TAGS = Vocabulary(("piano", "techno", "vocals", "no vocals"), ("instrument", "genre", "voice", "voice"))
SCORES = np.array([[0.9, 0.1, 0.1, 0.8], [0.8, 0.1, 0.4, 0.1], [0.95, 0.9, 0.1, 0.8], [0.2, 0.1, 0.6, 0.1]])
PATHS = ("/m/a.mp3", "/m/b.mp3", "/m/c.mp3", "/m/d.mp3")
LABELS = (
    Labels("The Band", None, "A", 1991),
    Labels("the band", None, "B", 2001),
    Labels("Die Wörte"),
    Labels("100%", year=1999),
)


@pytest.fixture
def database(tmp_path):
    with Database(tmp_path / "library.db", create=True) as database:
        add_scores(database, PATHS, SCORES, TAGS, labels=LABELS)
        yield database


def names(matches):
    return "".join(match.path[3] for match in matches)


def test_words_rank_and_negations_exclude(database):
    assert names(search_library(database, "piano")) == "cabd"
    assert names(search_library(database, "piano, not techno")) == "abd"
    assert names(search_library(database, "piano, no vocals")) == "cab"
    assert names(search_library(database, "vocals", top=2)) == "db"


def test_the_match_is_worked_out_by_hand(database):
    (first, *_) = search_library(database, "piano, not techno")
    assert first.match == pytest.approx(0.9 * 0.9)  # without thresholds, certainty is the score
    first = search_library(database, "no vocals")[0]
    assert first.match == pytest.approx((0.9 + 0.8) / 2)


def test_pages_follow_each_other(database):
    pages = [find_matches(database, "piano", top=2, skip=skip) for skip in (0, 2, 4)]
    assert [names(matches) for matches, _ in pages] == ["ca", "bd", ""]
    assert {total for _, total in pages} == {4}
    assert find_matches(database, "piano, not techno", top=1)[1] == 3


def test_a_match_has_the_number_of_its_track(database):
    tracks = {file.path: file.track for file in database.scored_files(database.find_model())}
    assert all(match.track == tracks[match.path] for match in search_library(database, "piano"))


def test_thresholds_put_tags_on_one_scale(database, monkeypatch):
    from keras_musictag.library import PresenceThresholds, score_table

    thresholds = PresenceThresholds({"piano": 0.85, "techno": 0.05}, "card")
    monkeypatch.setattr(score_table, "presence_thresholds", lambda model: thresholds)
    assert names(search_library(database, "piano", only_present=True)) == "ca"
    assert search_library(database, "not techno") == []  # all scores are above the threshold
    (match, *_) = search_library(database, "piano")
    assert match.match == pytest.approx(0.95 * 0.15 / (0.95 * 0.15 + 0.85 * 0.05))
    assert match.reasons[0].threshold == 0.85


def test_reasons_name_the_tags(database):
    (match, *_) = search_library(database, "piano, no vocals")
    assert [(reason.term, reason.tag, round(reason.score, 2)) for reason in match.reasons] == [
        ("piano", "piano", 0.95),
        ("no vocals", "vocals", 0.1),
        ("no vocals", "no vocals", 0.8),
    ]
    assert {reason.model for reason in match.reasons} == {"my-own-v1"}


def test_models_are_searched_together(database):
    tags = Vocabulary(("Hip-Hop", "piano"))
    add_scores(database, PATHS[:2], np.array([[0.9, 0.1], [0.2, 0.99]]), tags, "other-own-v1")
    assert names(search_library(database, "piano")) == "bcad"  # the more certain model counts
    assert search_library(database, "piano")[0].reasons[0].model == "other-own-v1"
    assert names(search_library(database, "hip hop")) == "ab"  # the others were not tagged by this model
    first = database.find_model("my-own-v1")
    assert names(search_library(database, "piano", model=first)) == "cabd"
    with pytest.raises(UnknownNameError, match="hip"):
        search_library(database, "hip hop", model=first)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(artist="BAND"), "ab"),
        (Filters(artist="0%"), "d"),
        (Filters(artist="ÖRTE"), "c"),
        (Filters(artist="_"), ""),
        (Filters(years=(1990, 1999)), "ad"),
        (Filters(longer_seconds=61.5), "cd"),
        (Filters(shorter_seconds=60.5), "a"),
        (Filters(artist="band", years=(2001, 2001), longer_seconds=1), "b"),
    ],
)
def test_filters(database, filters, found):
    assert "".join(sorted(names(search_library(database, "piano", filters=filters)))) == found


def test_an_example_ranks_by_cosine(tmp_path):
    with random_library(tmp_path, 50, features=6) as database:
        model = database.find_model()
        track, vector = stored_example(database, model, "/music/000007.mp3")
        found = search_library(database, example=vector, model=model, top=50, without_track=track)
        vectors = np.asarray(read_vectors(database, model), np.float64)
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        expected = [i for i in np.argsort(-(unit @ unit[7])) if i != 7]
        assert [int(match.path[7:13]) for match in found] == expected
        assert [m.similarity for m in found] == pytest.approx((unit @ unit[7])[expected], abs=1e-6)
        assert stored_example(database, model, "/music/none.mp3") is None


def test_words_select_where_an_example_ranks(database):
    model = database.find_model()
    found = search_library(database, "piano, not techno", np.ones(8), model)
    assert names(found) == "ab" and found[0].similarity == pytest.approx(8**-0.5)


def test_copies_are_found_once_and_missing_files_never(database):
    track, _ = stored_example(database, database.find_model(), "/m/a.mp3")
    database.put_file("/m/a copy.mp3", 1, 2, track)
    database.connection.execute("UPDATE files SET missing_since = '2026-01-01' WHERE path = ?", (b"/m/c.mp3",))
    assert names(search_library(database, "piano")) == "abd"


def test_an_example_of_another_model_is_refused(database):
    with pytest.raises(MusicTagError, match="my-own-v1"):
        embed_example("x.mp3", database.find_model())


def test_something_must_be_searched_for(database, tmp_path):
    with pytest.raises(ValueError, match="words, an example"):
        search_library(database)
    with Database(tmp_path / "empty.db", create=True) as empty, pytest.raises(UnknownNameError, match="library scan"):
        search_library(empty, "piano")

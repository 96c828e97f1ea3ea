"""Rules decide what is written: nothing by doubt, nothing that is not listed."""

import numpy as np
import pytest

from keras_musictag import UnknownNameError, Vocabulary
from keras_musictag.audio.samples import mono_and_notes
from keras_musictag.bundled_files import bundled
from keras_musictag.library import (
    FileTags,
    Labels,
    PresenceThresholds,
    Rules,
    ScoredFile,
    StoredModel,
    default_rules,
    default_rules_text,
    read_rules,
    tags_for_file,
)
from keras_musictag.tags import read_tags

DATASETS = ("mtat", "msd", "mtg-jamendo", "gmtag")
TAGS = Vocabulary(("techno", "rock", "classical", "classic", "quiet", "no vocals"), ("genre",) * 4 + ("mood", "voice"))
MODEL = StoredModel(1, "musicnn-mtat-v1", "ab" * 32, TAGS, 3)
HALF = PresenceThresholds(dict.fromkeys(TAGS, 0.5), "card")


def scored(scores, notes=()):
    return ScoredFile("/a.mp3", 1, 60.0, np.asarray(scores), 0, Labels(), notes)


def write(folder, text):
    path = folder / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_default_file_reads_back_as_the_default(dataset, tmp_path):
    model = StoredModel(1, f"musicnn-{dataset}-v1", "", read_tags(bundled("tfrecords") / dataset / "tags.txt"), 3)
    text = default_rules_text(model)
    assert read_rules(write(tmp_path, text), model) == default_rules(model.vocabulary)
    listed = {line.split(" = ")[0].strip('"') for line in text.splitlines() if " = " in line and line[0] != "#"}
    assert listed - {"max_genres", "max_moods"} <= set(model.vocabulary)
    with_thresholds = read_rules(write(tmp_path, text.replace("\n# ", "\n# # ")), model)
    assert with_thresholds.thresholds == {}


def test_commented_lines_of_the_default_file_are_valid(tmp_path):
    names = ('quotes " and \\', "tab\t", "ünï", "a b")
    model = StoredModel(1, "my-own-v1", "", Vocabulary(names, ("genre",) * 3 + ("mood",)), 3)
    text = default_rules_text(model)
    head, thresholds = text.split("\n[thresholds]")
    rules = read_rules(write(tmp_path, f"{head}\n[thresholds]" + thresholds.replace("\n# ", "\n")), model)
    assert rules.thresholds == dict.fromkeys(names, 1.0)


def test_instruments_voices_and_taste_are_not_written():
    for dataset in DATASETS[:3]:
        vocabulary = read_tags(bundled("tfrecords") / dataset / "tags.txt")
        rules = default_rules(vocabulary)
        groups = dict(zip(vocabulary.names, vocabulary.groups, strict=True))
        assert {groups[tag] for tag in rules.genre} <= {"genre", "mood"}  # last.fm's "chillout" is in the group mood
        assert {groups[tag] for tag in rules.mood} == {"mood"}
        assert not {"weird", "sexy", "catchy", "no vocals"} & {*rules.genre, *rules.mood}


def test_present_tags_are_written_most_certain_first():
    rules = default_rules(TAGS)
    scores = np.array([0.6, 0.9, 0.5, 0.4, 0.8, 0.99])
    assert tags_for_file(scored(scores), MODEL, rules, HALF) == FileTags(("Rock", "Techno"), ("Calm",))
    # certainty is relative to the threshold: here 0.6 is further above its own than 0.9 is
    thresholds = PresenceThresholds({**HALF.values, "techno": 0.1, "rock": 0.89}, "card")
    assert tags_for_file(scored(scores), MODEL, rules, thresholds).genres == ("Techno", "Rock")


def test_synonyms_are_written_once_and_count_once():
    scores = np.array([0.6, 0, 0.9, 0.8, 0, 0])
    assert tags_for_file(scored(scores), MODEL, default_rules(TAGS), HALF).genres == ("Classical", "Techno")


def test_a_score_at_the_threshold_is_present():
    scores = np.array([0.5, np.nextafter(0.5, 0), 0, 0, 0, 0])
    assert tags_for_file(scored(scores), MODEL, default_rules(TAGS), HALF).genres == ("Techno",)


def test_without_thresholds_nothing_is_written(tmp_path):
    everything = np.ones(6)
    assert tags_for_file(scored(everything), MODEL, default_rules(TAGS), PresenceThresholds()) == FileTags()
    rules = read_rules(write(tmp_path, '[genre]\ntechno = "Techno"\n[thresholds]\ntechno = 0.9'), MODEL)
    assert tags_for_file(scored(everything), MODEL, rules, PresenceThresholds()).genres == ("Techno",)


def test_a_silent_track_gets_no_tags():
    _, notes = mono_and_notes(np.zeros((1, 16000), np.float32), 16000)
    assert tags_for_file(scored(np.ones(6), notes), MODEL, default_rules(TAGS), HALF) == FileTags()


def test_scores_are_included_if_asked():
    tags = tags_for_file(scored(np.arange(6) / 10), MODEL, Rules(), HALF, include_scores=True)
    assert tags.scores == pytest.approx(dict(zip(TAGS, np.arange(6) / 10, strict=True))) and tags.genres == ()


def test_a_file_of_rules_replaces_names_caps_and_thresholds(tmp_path):
    text = """
    max_genres = 1
    max_moods = 0
    [genre]
    techno = "Drum & Bass"
    rock = "Rock"
    [mood]
    quiet = "Calm"
    [thresholds]
    rock = 0.95
    [thresholds.musicnn-mtat-v1]
    rock = 0.6
    """
    rules = read_rules(write(tmp_path, text), MODEL)
    scores = np.array([0.7, 0.9, 0.9, 0, 0.9, 0])
    assert tags_for_file(scored(scores), MODEL, rules, HALF) == FileTags(("Rock",))
    other = StoredModel(2, "vgg-mtat-v1", "", TAGS, 3)
    assert tags_for_file(scored(scores), other, rules, HALF) == FileTags(("Drum & Bass",))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("max_genre = 1", UnknownNameError, "Did you mean 'max_genres'"),
        ('[genre]\ntekno = "Techno"', UnknownNameError, "Did you mean 'techno'"),
        ("[thresholds]\nrok = 0.5", UnknownNameError, "Did you mean 'rock'"),
        ("[thresholds.musicn-mtat-v1]\nrock = 0.5", UnknownNameError, "Did you mean 'musicnn-mtat-v1'"),
        ("[genre]\ntechno = 1", ValueError, "genre.techno"),
        ('[genre]\ntechno = " "', ValueError, "genre.techno"),
        ("[genre]\ntechno = 'a\\nb'\nrock = \"a\\nb\"", ValueError, "genre.rock"),
        ("genre = 1", ValueError, "one line per tag"),
        ("[thresholds]\nrock = 0", ValueError, "above 0 and at most 1"),
        ("[thresholds]\nrock = nan", ValueError, "above 0 and at most 1"),
        ("max_moods = -1", ValueError, "0 or more"),
        ("max_moods = true", ValueError, "0 or more"),
        ("genre = ", ValueError, "not valid TOML"),
    ],
)
def test_mistakes_are_named(text, error, message, tmp_path):
    with pytest.raises(error, match=message):
        read_rules(write(tmp_path, text), MODEL)


def test_missing_rules_are_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="rules --init"):
        read_rules(tmp_path / "none.toml", MODEL)


def test_a_file_may_serve_models_with_other_tags(tmp_path):
    assert read_rules(write(tmp_path, '[genre]\nHip-Hop = "Rap"'), MODEL).genre == {"Hip-Hop": "Rap"}

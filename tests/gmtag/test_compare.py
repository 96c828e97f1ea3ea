import copy

import pytest

from keras_musictag.choices import TIERS
from keras_musictag.gmtag import compare_corpus
from keras_musictag.gmtag.corpus import LEVELS, load_spec
from keras_musictag.gmtag.plan import VERSION


@pytest.fixture
def spec():
    return load_spec()


@pytest.fixture
def corpus(spec):
    """As if tiny had been built with the packages that were measured with."""
    hashes = {f"{level}_sha256": spec["measured"]["tiny"][f"{level}_sha256"] for level in LEVELS}
    return {"tier": "tiny", "packages": copy.deepcopy(spec["packages"]), **hashes}


def test_the_same_bytes_are_told(corpus, spec):
    assert compare_corpus(corpus, spec).startswith(
        f"The same MIDI, PCM, MP3 as measured with mma {spec['packages']['mma']}, "
    )


def test_the_level_that_differs_is_told_and_the_package_that_may_be_why(corpus, spec):
    corpus["mp3_sha256"] = "0" * 64
    corpus["packages"]["av"] = "99.0"
    told = compare_corpus(corpus, spec)
    assert told.startswith("The same MIDI, PCM; other MP3 than measured: here is av 99.0, measured was av ")


def test_nothing_the_same_and_no_reason_to_see_is_told(corpus, spec):
    corpus.update({f"{level}_sha256": "0" * 64 for level in LEVELS})
    assert compare_corpus(corpus, spec) == (
        "Nothing is the same; other MIDI, PCM, MP3 than measured: although the packages are the same ones."
    )


def test_sizes_that_were_not_measured_are_told(corpus, spec):
    corpus["tier"] = None
    assert "nothing to compare with" in compare_corpus(corpus, spec)


def test_the_spec_is_of_this_version_and_of_these_tiers(spec):
    assert spec["dataset_version"] == VERSION
    assert spec["tiers"] == TIERS
    assert {"tiny", "small"} <= set(spec["measured"]) <= set(TIERS)

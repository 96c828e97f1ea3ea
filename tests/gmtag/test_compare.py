import copy

import pytest

from keras_musictag.choices import TIERS
from keras_musictag.gmtag import compare_corpus
from keras_musictag.gmtag.corpus import STAGES, load_spec
from keras_musictag.gmtag.plan import VERSION


@pytest.fixture
def spec():
    return load_spec()


@pytest.fixture
def corpus(spec):
    """The tier tiny, as if built with the packages of the published corpus."""
    hashes = {f"{stage}_sha256": spec["measured"]["tiny"][f"{stage}_sha256"] for stage in STAGES}
    return {"tier": "tiny", "packages": copy.deepcopy(spec["packages"]), **hashes}


def test_equal_bytes_are_reported(corpus, spec):
    assert compare_corpus(corpus, spec).startswith(
        f"The same MIDI, PCM, MP3 as published for mma {spec['packages']['mma']}, "
    )


def test_a_different_stage_is_reported_with_the_package(corpus, spec):
    corpus["mp3_sha256"] = "0" * 64
    corpus["packages"]["av"] = "99.0"
    told = compare_corpus(corpus, spec)
    assert told.startswith("The same MIDI, PCM; different MP3 from the published corpus: ")
    assert "this corpus was made with av 99.0, the published one with av " in told


def test_differences_without_a_known_reason_are_reported(corpus, spec):
    corpus.update({f"{stage}_sha256": "0" * 64 for stage in STAGES})
    assert compare_corpus(corpus, spec) == (
        "Nothing is the same; different MIDI, PCM, MP3 from the published corpus: although the packages are the same."
    )


def test_a_size_without_published_hashes_is_reported(corpus, spec):
    corpus["tier"] = None
    assert "nothing to compare with" in compare_corpus(corpus, spec)


def test_the_spec_is_of_this_version_and_of_these_tiers(spec):
    assert spec["dataset_version"] == VERSION
    assert spec["tiers"] == TIERS
    assert {"tiny", "small"} <= set(spec["measured"]) <= set(TIERS)

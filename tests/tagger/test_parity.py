"""The PyPI package's four models, from the MP3 to the tags, compared with the results of the originals."""

import numpy as np
import pytest

from tests import shared
from tests.architectures.musicnn_package import ORIGINALS, recorded, tagger_of

pytestmark = pytest.mark.needs("shared")


@pytest.mark.parametrize("entry", ORIGINALS)
def test_taggram_of_the_clip_equals_the_original(entry):
    taggram = tagger_of(entry).taggram(shared.clip(), tail="drop")
    expected = recorded(entry)["taggram"]
    assert taggram.scores.shape == expected.shape == (9, 50)
    # the original rounds mel power to float16, which moves a score by up to 8e-5; the decoder adds 1e-6
    np.testing.assert_allclose(taggram.scores, expected, rtol=0, atol=1e-4)
    np.testing.assert_allclose(taggram.merge("mean", 50).scores, expected.mean(axis=0), rtol=0, atol=5e-5)


@pytest.mark.parametrize("entry", ORIGINALS)
def test_taggram_equals_the_original_without_float16(entry):
    scores = tagger_of(entry).taggram(shared.clip(), tail="drop").scores
    # what remains is float32 round-off of the STFT
    np.testing.assert_allclose(scores, recorded(entry)["taggram_f32mel"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("entry", ORIGINALS)
def test_embedding_of_the_clip_equals_the_original(entry):
    embedding = tagger_of(entry).embed(shared.clip(), tail="drop")
    expected = recorded(entry)["penultimate"]
    # float16 rounding of mel power in the original, on values up to a few units
    np.testing.assert_allclose(embedding, expected, rtol=0, atol=5e-3)


@pytest.mark.parametrize("entry", ORIGINALS)
def test_top_ten_tags_of_the_clip_are_the_originals_in_order(entry):
    original = recorded(entry)
    expected = [str(original["labels"][i]) for i in np.argsort(-original["taggram"].mean(axis=0))[:10]]
    assert [tag for tag, _ in tagger_of(entry).tag(shared.clip(), tail="drop").tags] == expected


@pytest.mark.parametrize("entry", ORIGINALS)
def test_vocabulary_is_the_originals_in_order(entry):
    assert list(tagger_of(entry).vocabulary) == recorded(entry)["labels"].tolist()

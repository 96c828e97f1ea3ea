import hashlib

import numpy as np
import pytest

from keras_musictag import load
from keras_musictag.zoo import Licences, Reference, TrainedOn, read_card, read_weights, write_entry

FACTS = {
    "summary": "A test",
    "trained_on": TrainedOn("noise", "1", "all", None),
    "reference": Reference("none", "https://example.org", {}),
    "licences": Licences("ISC", "ISC", "none"),
    "versions": {"keras": "3"},
    "recipe": None,
}


def test_a_published_entry_loads_with_equal_scores(tiny, tmp_path, chunks):
    write_entry(tiny, tmp_path / "zoo" / "vgg-noise-v1", half=False, **FACTS)
    loaded = load(tmp_path / "zoo" / "vgg-noise-v1")
    assert (loaded.name, loaded.spec) == ("vgg-noise-v1", tiny.spec)
    np.testing.assert_array_equal(loaded.predict_on_batch(chunks), tiny.predict_on_batch(chunks))


def test_half_precision_loads_with_nearly_equal_scores(tiny, tmp_path, chunks):
    write_entry(tiny, tmp_path / "vgg-noise-v1", half=True, **FACTS)
    found = load(tmp_path / "vgg-noise-v1").predict_on_batch(chunks)
    # float16 rounds a kernel by up to 2**-11 of its value, in each of six layers: 6 * 2**-11 = 3e-3 of a
    # logit below 1, of which the sigmoid leaves a quarter or less
    np.testing.assert_allclose(found, tiny.predict_on_batch(chunks), atol=1e-3)
    assert read_weights(tmp_path / "vgg-noise-v1" / "weights.safetensors")["conv1/kernel"].dtype == np.float16


def test_the_returned_card_is_the_one_that_was_written(tiny, tmp_path):
    card = write_entry(tiny, tmp_path / "vgg-noise-v1", half=False, **FACTS)
    assert read_card(tmp_path / "vgg-noise-v1") == card


def test_the_card_says_what_the_files_are(tiny, tmp_path):
    folder = tmp_path / "vgg-noise-v1"
    card = write_entry(tiny, folder, half=False, **FACTS)
    content = (folder / card.weights.file).read_bytes()
    assert (card.name, card.architecture, card.version) == ("vgg-noise-v1", "vgg", 1)
    assert card.weights.bytes == len(content)
    assert card.weights.sha256 == hashlib.sha256(content).hexdigest()
    assert card.weights.parameters == sum(array.size for array in read_weights(folder / card.weights.file).values())
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "weights.safetensors"]


def test_published_again_it_is_the_same_bytes(tiny, tmp_path):
    for run in "ab":
        write_entry(tiny, tmp_path / run / "vgg-noise-v1", half=True, **FACTS)
    for file in ("card.json", "weights.safetensors"):
        first, second = ((tmp_path / run / "vgg-noise-v1" / file).read_bytes() for run in "ab")
        assert first == second


def test_in_the_users_zoo_it_is_loaded_by_name_and_dataset(tiny, user_zoo, chunks):
    write_entry(tiny, user_zoo / "vgg-noise-v1", half=False, **FACTS)
    for tagger in (load("vgg-noise-v1"), load("vgg", weights="noise")):
        np.testing.assert_array_equal(tagger.predict_on_batch(chunks), tiny.predict_on_batch(chunks))


def test_a_fact_that_no_card_has_is_refused(tiny, tmp_path):
    with pytest.raises(TypeError, match="colour"):
        write_entry(tiny, tmp_path / "vgg-noise-v1", half=False, **FACTS, colour="blue")

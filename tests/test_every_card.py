"""One sweep over all bundled zoo entries: what a card says is what lies beside it."""

import hashlib
import re

import pytest

from keras_musictag.data import bundled
from keras_musictag.tagger import TaggerSpec
from keras_musictag.tags.read_tags import read_tags
from keras_musictag.zoo.card import read_card
from keras_musictag.zoo.weights import read_weights

ENTRIES = sorted(folder for folder in bundled("zoo").iterdir() if folder.is_dir())


@pytest.fixture(params=ENTRIES, ids=lambda folder: folder.name)
def folder(request):
    return request.param


@pytest.fixture
def card(folder):
    return read_card(folder)


def test_there_are_entries_to_sweep():
    assert len(ENTRIES) >= 4


def test_the_card_has_the_name_of_its_folder(folder, card):
    assert card.name == folder.name


def test_the_name_says_architecture_dataset_and_version(card):
    assert card.name == f"{card.architecture}-{card.trained_on.dataset}-v{card.version}"
    assert card.version >= 1


def test_a_model_card_and_a_licence_lie_beside_it(folder):
    assert (folder / "README.md").read_text(encoding="utf-8").strip()
    assert (folder / "LICENSE").read_text(encoding="utf-8").strip()


def test_its_tags_are_those_of_its_dataset_in_order_and_group(card):
    vocabulary = read_tags(bundled("tfrecords") / card.trained_on.dataset / "tags.txt")
    assert card.model["tags"] == vocabulary.to_list()


def test_its_weights_have_the_size_and_hash_it_states(folder, card):
    content = (folder / card.weights.file).read_bytes()
    assert len(content) == card.weights.bytes
    assert hashlib.sha256(content).hexdigest() == card.weights.sha256


def test_its_weights_hold_as_many_numbers_as_it_states(folder, card):
    assert sum(array.size for array in read_weights(folder / card.weights.file).values()) == card.weights.parameters


def test_its_logits_are_as_many_as_its_tags(folder, card):
    assert read_weights(folder / card.weights.file)["logits/bias"].shape == (len(card.model["tags"]),)


def test_its_model_is_what_the_spec_says_of_itself(card):
    assert TaggerSpec.from_dict(card.model).to_dict() == card.model


def test_it_says_where_it_comes_from_and_under_which_licence(card):
    assert re.match("https?://", card.reference.url)
    for said in (card.summary, card.reference.paper, card.licences.code, card.licences.weights):
        assert said.strip()
    assert card.licences.training_data.strip()
    assert all(0 < value < 1 for value in card.reference.reported.values())


def test_every_threshold_is_one_of_its_tags(card):
    assert set(card.thresholds) <= {tag["name"] for tag in card.model["tags"]}

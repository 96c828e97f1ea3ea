"""All bundled zoo entries: each card matches the files in its folder, or the address of its weights."""

import hashlib
import re

import pytest

from keras_musictag.bundled_files import bundled
from keras_musictag.tagger import Tagger, TaggerSpec
from keras_musictag.tags import read_tags
from keras_musictag.zoo import read_card, read_weights

ENTRIES = sorted(folder for folder in bundled("zoo").iterdir() if folder.is_dir())
WITH_WEIGHTS = [folder for folder in ENTRIES if read_card(folder).weights.file is not None]
WITH_ADDRESS = [folder for folder in ENTRIES if folder not in WITH_WEIGHTS]
COMMIT = "4e1d652d4a7b12437a624965e85890b70b4a111d"
ADDRESS = rf"https://raw\.githubusercontent\.com/minzwon/sota-music-tagging-models/{COMMIT}/models/(\w+)/(\w+)/best_model\.pth"

bundled_weights = pytest.mark.parametrize("folder", WITH_WEIGHTS, ids=lambda folder: folder.name)
weights_at_an_address = pytest.mark.parametrize("folder", WITH_ADDRESS, ids=lambda folder: folder.name)


@pytest.fixture(params=ENTRIES, ids=lambda folder: folder.name)
def folder(request):
    return request.param


@pytest.fixture
def card(folder):
    return read_card(folder)


def test_there_are_entries():
    assert len(WITH_WEIGHTS) >= 4
    assert len(WITH_ADDRESS) >= 23


def test_the_card_has_the_name_of_its_folder(folder, card):
    assert card.name == folder.name


def test_the_name_has_architecture_dataset_and_version(card):
    assert card.name == f"{card.architecture}-{card.trained_on.dataset}-v{card.version}"
    assert card.version >= 1


def test_there_is_a_model_card(folder, card):
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {card.name}\n")
    assert f"{card.weights.parameters:,} parameters" in " ".join(text.split())


@bundled_weights
def test_bundled_weights_have_a_licence_file(folder):
    assert (folder / "LICENSE").read_text(encoding="utf-8").strip()


@weights_at_an_address
def test_entries_with_an_address_hold_no_weights(folder, card):
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "card.json"]
    text = " ".join((folder / "README.md").read_text(encoding="utf-8").split())
    assert (
        "not part of this package" in text and "they were not measured here" in text and card.licences.weights in text
    )
    assert all(f"{score:.4f}" in text for score in card.reference.reported.values())


@weights_at_an_address
def test_an_address_has_a_fixed_commit_and_a_hash(card):
    dataset, network = re.fullmatch(ADDRESS, card.weights.url).groups()
    assert dataset == card.trained_on.dataset.removeprefix("mtg-")
    assert re.fullmatch("[0-9a-f]{40}", card.weights.git_blob_sha1)
    assert (card.weights.bytes, card.weights.sha256) == (None, None)
    known = {"self_attention": "attention", "harmonic_cnn": "hcnn", "short_chunk_cnn_res": "short_res"}
    known |= {"sample_cnn": "sample", "sample_cnn_se": "se", "musicnn_2020": "musicnn"}
    assert network == known.get(card.architecture, card.architecture)


@weights_at_an_address
def test_the_network_has_the_stated_number_of_parameters(card):
    tagger = Tagger(TaggerSpec.from_dict(card.model), precision="float32")
    assert tagger.count_params() == card.weights.parameters
    assert tagger.output_shape == (None, len(card.model["tags"]))


def test_no_two_entries_share_their_weights():
    weights = [read_card(folder).weights for folder in ENTRIES]
    assert len({(w.sha256, w.url, w.git_blob_sha1) for w in weights}) == len(ENTRIES)
    hashes = [w.git_blob_sha1 or w.sha256 for w in weights]
    assert len(set(hashes)) == len(hashes)


def test_tags_are_those_of_the_dataset_in_order_and_group(card):
    vocabulary = read_tags(bundled("tfrecords") / card.trained_on.dataset / "tags.txt")
    assert card.model["tags"] == vocabulary.to_list()


@bundled_weights
def test_weights_have_the_stated_size_and_hash(folder, card):
    content = (folder / card.weights.file).read_bytes()
    assert len(content) == card.weights.bytes
    assert hashlib.sha256(content).hexdigest() == card.weights.sha256


@bundled_weights
def test_weights_have_the_stated_number_of_parameters(folder, card):
    assert sum(array.size for array in read_weights(folder / card.weights.file).values()) == card.weights.parameters


@bundled_weights
def test_there_are_as_many_logits_as_tags(folder, card):
    assert read_weights(folder / card.weights.file)["logits/bias"].shape == (len(card.model["tags"]),)


def test_the_model_is_a_valid_spec(card):
    assert TaggerSpec.from_dict(card.model).to_dict() == card.model


def test_the_card_states_its_source_and_licences(card):
    assert re.match("https?://", card.reference.url)
    for said in (card.summary, card.reference.paper, card.licences.code, card.licences.weights):
        assert said.strip()
    assert card.licences.training_data.strip()
    assert all(0 < value < 1 for value in card.reference.reported.values())


def test_every_threshold_belongs_to_a_tag(card):
    assert set(card.thresholds) <= {tag["name"] for tag in card.model["tags"]}

"""Converted checkpoints compared with the reference's outputs on a real clip; what a converter must not ignore."""

import functools
import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_musictag import Tagger
from keras_musictag.bundled_files import bundled
from keras_musictag.tagger import TaggerSpec
from keras_musictag.tags import read_tags
from keras_musictag.zoo import assign_weights, read_card
from keras_musictag.zoo.importers.sota2020 import convert
from tests import shared

SCRIPT = Path(__file__).parents[3] / "scripts" / "port" / "sota2020.py"
NAMES = {"fcn": "fcn", "musicnn_2020": "musicnn", "crnn": "crnn"}  # here -> in the reference's files
DATASETS = {"mtat": "mtat", "msd": "msd", "mtg-jamendo": "jamendo"}
RELEASED = [(a, d) for d in DATASETS for a in NAMES if (a, d) != ("musicnn_2020", "msd")]
RECORDED = [pair for pair in RELEASED if pair not in {("crnn", "msd"), ("musicnn_2020", "mtg-jamendo")}]


def file_of(architecture: str, dataset: str) -> str:
    return f"{DATASETS[dataset]}_{NAMES[architecture]}.npz"


@functools.cache
def tagger_of(architecture: str, dataset: str) -> Tagger:
    """The network that the entry's card describes, with the released weights."""
    tagger = Tagger(TaggerSpec.from_dict(read_card(bundled("zoo") / f"{architecture}-{dataset}-v1").model))
    state = shared.load("weights", "sota", file_of(architecture, dataset))
    assign_weights(tagger, convert(state), "the released weights")
    return tagger


@pytest.mark.needs("shared")
@pytest.mark.parametrize("architecture, dataset", RECORDED)
def test_the_tags_are_in_the_order_of_the_reference(architecture, dataset):
    full_names = shared.load("io_real", file_of(architecture, dataset))["labels"].tolist()
    assert list(tagger_of(architecture, dataset).vocabulary) == [name.rpartition("---")[2] for name in full_names]


@pytest.mark.needs("shared")
@pytest.mark.parametrize("architecture, dataset", RELEASED)
def test_every_released_checkpoint_fills_its_network(architecture, dataset):
    tagger = tagger_of(architecture, dataset)
    clip = shared.load("io_real", "joram_16k.npz")["audio"]
    (scores,) = tagger.runner()(clip[None, : tagger.spec.chunking.chunk_samples])
    assert scores.max() > 0.2 and scores.min() < 0.01


@pytest.mark.needs("shared")
@pytest.mark.parametrize("architecture, dataset", RECORDED)
def test_logits_from_audio_are_the_references(architecture, dataset):
    tagger = tagger_of(architecture, dataset)
    recorded = shared.load("io_real", file_of(architecture, dataset))
    clip, size = shared.load("io_real", "joram_16k.npz")["audio"], tagger.spec.chunking.chunk_samples
    hop = (len(clip) - size) // 16
    assert (hop, size) == (recorded["hop"], recorded["input_length"])
    chunks = np.stack([clip[i * hop : i * hop + size] for i in range(16)])
    # 3e-3: for 3 % of the clip's decibels, float32 FFTs of correct programs differ by up to 0.2 dB
    found = tagger.runner("logits")(chunks)
    np.testing.assert_allclose(found, recorded["logits"], rtol=0, atol=3e-3)
    # for scores of the whole clip, little of that remains
    scores = tagger.runner()(chunks).mean(axis=0)
    np.testing.assert_allclose(scores, recorded["mean_probs"], rtol=0, atol=2e-4)


@pytest.mark.needs("shared")
@pytest.mark.parametrize("architecture, dataset", RECORDED)
def test_logits_from_the_decibels_are_the_references(architecture, dataset):
    tagger = tagger_of(architecture, dataset)
    layout = "musicnn" if architecture == "musicnn_2020" else "fcn"  # crnn has the input of fcn
    spectra = shared.load("io_real", "spec_db_joram.npz")
    recorded = shared.load("io_real", file_of(architecture, dataset))["logits"][spectra[f"{layout}/chunks"]]
    inside = keras.Model(tagger.get_layer("log_mel_compression").output, tagger.get_layer("logits").output)
    decibels = spectra[f"{layout}/db"].transpose(0, 2, 1)[..., None]  # (chunks, frames, mels, 1)
    # 2e-5: float32 sums in another order, ten times what the reference differs from itself in float64
    np.testing.assert_allclose(inside.predict_on_batch(decibels), recorded, rtol=0, atol=2e-5)


def test_the_tags_of_a_dataset_are_those_of_its_entries():
    for dataset in DATASETS:
        tags = read_tags(bundled("tfrecords") / dataset / "tags.txt").to_list()
        assert all(read_card(f).model["tags"] == tags for f in bundled("zoo").glob(f"*-{dataset}-v1"))


# What a converter must not ignore

CONV = {"layer1.conv.weight": np.zeros((4, 1, 3, 3), np.float32)}
GRU = {
    "layer5.weight_ih_l0": np.arange(6.0).reshape(6, 1),
    "layer5.weight_hh_l0": np.arange(12.0).reshape(6, 2),
    "layer5.bias_ih_l0": np.arange(6.0),
    "layer5.bias_hh_l0": np.arange(6.0) + 10,
}


def test_gates_of_a_recurrent_layer_are_put_in_kerass_order():
    found = convert(GRU)
    np.testing.assert_array_equal(found["gru1/gru_cell/kernel"], [[2, 3, 0, 1, 4, 5]])
    np.testing.assert_array_equal(found["gru1/gru_cell/recurrent_kernel"][0], [4, 6, 0, 2, 8, 10])
    np.testing.assert_array_equal(found["gru1/gru_cell/bias"], [[2, 3, 0, 1, 4, 5], [12, 13, 10, 11, 14, 15]])


def test_numbers_of_any_precision_become_float32():
    for kind in (np.float16, np.float64, np.int64):
        assert convert({"dense.bias": np.ones(3, kind)})["logits/bias"].dtype == np.float32


def test_arrays_lie_in_memory_as_they_are_read():
    """safetensors writes memory: a transposed view would be stored scrambled."""
    found = convert({**GRU, "layer1.conv.weight": np.ones((2, 3, 3, 3)), "dense.weight": np.ones((2, 3))})
    assert all(array.flags.c_contiguous for array in found.values())


def test_counters_and_front_end_constants_are_not_weights():
    fixed = ["layer1.bn.num_batches_tracked", "spec.spectrogram.window", "spec.mel_scale.fb", "hstft.spec.window"]
    assert convert({key: np.zeros(3) for key in fixed}) == {}


def test_names_of_2023_are_the_same_weights():
    norm = {leaf: np.full(1, number) for number, leaf in enumerate(["weight", "bias", "running_mean", "running_var"])}
    old = convert({f"spec_bn.{leaf}": array for leaf, array in norm.items()})
    new = convert({f"spec.bn.{leaf}": array for leaf, array in norm.items()} | {"spec.spec.mel_scale.fb": np.zeros(3)})
    assert old.keys() == new.keys() and len(old) == 4
    assert all(old[key] == new[key] for key in old)


@pytest.mark.parametrize(
    "state, said",
    [
        ({"layer1.conv.kernel": np.zeros(3)}, "'layer1.conv.kernel', which no network"),
        ({"fc.weight": np.zeros((3, 3))}, "'fc.weight', which no network"),
        ({"weight": np.zeros(3)}, "'weight', which no network"),
        ({"": np.zeros(3)}, "'', which no network"),
        ({"trunk.window": np.zeros(3)}, "'trunk.window', which no network"),
        ({"dense.bias": np.zeros(3), "dense2.bias": np.zeros(3)}, "a second key for logits/bias"),
        ({"spec_bn.bias": np.zeros(1), "hstft_bn.bias": np.zeros(6)}, "a second key for input_norm/beta"),
        ({**GRU, "layer5.bias_hh_l0": np.zeros(9)}, "no bias of that shape"),
        ({"layer5.bias_ih_l0": np.zeros(6)}, "no bias of that shape"),
        ({"layer5.weight_ih_l0": np.zeros((7, 1))}, "shape (7, 1)"),
        ({"layer5.weight_ih_l0": np.zeros(())}, "shape ()"),
        ({"encoder.layer.0.attention.self.query.weight": np.zeros((7, 7))}, "shape (7, 7)"),
        ({"encoder.layer.0.attention.self.query.bias": np.zeros((8, 8))}, "shape (8, 8)"),
        ({"encoder.layer.1.attention.output.dense.weight": np.zeros(())}, "shape ()"),
    ],
)
def test_what_no_network_has_is_refused_by_name(state, said):
    with pytest.raises(ValueError) as caught:
        convert({**CONV, **state})
    assert said in str(caught.value)


# The entries without weights


@pytest.fixture(scope="module")
def port():
    spec = importlib.util.spec_from_file_location("port_sota2020", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_script_writes_the_bundled_entries_byte_for_byte(port, tmp_path):
    out = tmp_path / "out"
    cards = port.write(out)
    assert len(cards) == 23
    assert {path.name for path in out.iterdir()} == {card.name for card in cards}
    for path in sorted(out.glob("*/*")):
        assert path.read_bytes() == (bundled("zoo") / path.relative_to(out)).read_bytes(), path


def test_the_scores_are_the_papers(port):
    """A few rows of the table, typed again."""
    reported = {name: network.reported for name, network in port.NETWORKS.items()}
    assert reported["fcn"] == {"mtat": (0.9005, 0.4295), "msd": (0.8744, 0.2970), "mtg-jamendo": (0.8255, 0.2801)}
    assert reported["harmonic_cnn"]["msd"] == (0.8898, 0.3298)
    assert reported["short_chunk_cnn_res"]["mtg-jamendo"] == (0.8316, 0.2951)
    assert reported["crnn"]["mtat"] == (0.8722, 0.3625)

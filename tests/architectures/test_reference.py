"""The nine networks of the 2020 evaluation equal the reference, module by module: the first failure is the cause."""

import functools

import keras
import numpy as np
import pytest

from keras_musictag import Tagger, build
from keras_musictag.tagger.fold import fold_normalisation
from tests.architectures import reference_2020

# module of the reference -> layer here, if the names differ
LAYERS = {
    "spec_bn": "input_norm",
    "hstft_bn": "input_norm",
    "layers.0": "timbral67",
    "layers.1": "timbral38",
    "layers.2": "temporal129",
    "layers.3": "temporal65",
    "layers.4": "temporal33",
    "dense1": "dense",
    "bn": "dense_norm",
    "dense2": "logits",
}
# The outputs of these modules are inside a layer here, or have another layout and show in later layers. Power, mel
# power and dB are tested in tests/frontends; the recurrent layer returns only its last state.
INSIDE = {"spec.spectrogram", "spec", "to_db", "hstft.spec", "hstft"}
MODULES = {
    "fcn": ["spec_bn", *(f"layer{i}" for i in range(1, 6)), "dense"],
    "musicnn_2020": [
        "spec_bn",
        *(f"layers.{i}" for i in range(5)),
        *("layer1", "layer2", "layer3", "dense1", "bn", "dense2"),
    ],
    "crnn": ["spec_bn", *(f"layer{i}" for i in range(1, 6)), "dense"],
    "sample_cnn": [*(f"layer{i}" for i in range(1, 12)), "dense"],
    "sample_cnn_se": [*(f"layer{i}" for i in range(1, 12)), "dense1", "bn", "dense2"],
    "short_chunk_cnn": ["spec_bn", *(f"layer{i}" for i in range(1, 8)), "dense1", "bn", "dense2"],
    "short_chunk_cnn_res": ["spec_bn", *(f"layer{i}" for i in range(1, 8)), "dense1", "bn", "dense2"],
    "self_attention": ["spec_bn", *(f"layer{i}" for i in range(1, 8)), "encoder", "pooler", "dense"],
    "harmonic_cnn": ["hstft_bn", *(f"layer{i}" for i in range(1, 8)), "dense1", "bn", "dense2"],
}


def layer_of(name: str, module: str) -> str:
    if module == "encoder":
        return "encoder2_output_norm"
    if module == "dense" and name != "short_chunk_cnn":
        return "logits"
    if (name, module) == ("crnn", "layer5"):
        return "gru2"
    return LAYERS.get(module, module)


@functools.cache
def outputs_of(name: str) -> dict[str, np.ndarray]:
    """Returns the outputs of all compared layers, in one pass through the network that `Tagger.runner` runs."""
    tagger = reference_2020.tagger_of(name)
    layers = [layer_of(name, module) for module in MODULES[name]]
    outputs = [tagger.get_layer(layer).output for layer in layers]
    network = fold_normalisation(keras.Model(tagger.inputs[0], outputs))
    return dict(zip(layers, map(np.asarray, network(reference_2020.inputs(name), training=False)), strict=True))


@pytest.mark.needs("shared")
@pytest.mark.parametrize("name", reference_2020.NAMES)
def test_every_module_of_the_reference_is_compared(name):
    assert set(MODULES[name]) | INSIDE >= set(reference_2020.recorded(name)["layer_order"].tolist())


@pytest.mark.needs("shared")
@pytest.mark.parametrize("name, module", [(name, module) for name in reference_2020.NAMES for module in MODULES[name]])
def test_each_module_equals_the_reference(name, module):
    recorded = reference_2020.recorded(name)
    shape = tuple(recorded[f"layer/{module}/shape"])
    index, sample = recorded[f"layer/{module}/index"], recorded[f"layer/{module}/sample"]
    found = outputs_of(name)[layer_of(name, module)]
    if module == "encoder":
        pass  # (batch, steps, features) on both sides
    elif (name, module) == ("crnn", "layer5"):
        # the reference returns every step, and the network here only the last
        steps = np.unravel_index(index, shape)[1]
        last = steps == shape[1] - 1
        index, sample = index[last], sample[last]
        found = np.broadcast_to(found[:, None, :], shape)
    else:
        found = reference_2020.torch_layout(found)
    assert found.shape == shape
    # float32 sums in another order; even in the reference, decibels near the floor vary by up to 3e-3 dB, and the first
    # normalisation divides them by 19
    largest = recorded[f"layer/{module}/stats"][..., -1].max()
    atol = 1e-3 if module in ("spec_bn", "hstft_bn") else 2e-5 * max(largest, 1.0)
    np.testing.assert_allclose(found.reshape(-1)[index], sample, rtol=0, atol=atol)


@pytest.mark.needs("shared")
@pytest.mark.parametrize("name", reference_2020.NAMES)
def test_logits_and_embedding_equal_the_reference(name):
    recorded, tagger, inputs = (
        reference_2020.recorded(name),
        reference_2020.tagger_of(name),
        reference_2020.inputs(name),
    )
    np.testing.assert_allclose(tagger.runner("logits")(inputs), recorded["logits"], rtol=0, atol=1e-4)
    embedding = tagger.runner(tagger.embedding_layer)(inputs)
    np.testing.assert_allclose(embedding, recorded["features"], rtol=0, atol=1e-4)


@pytest.mark.needs("shared")
@pytest.mark.parametrize("name", reference_2020.NAMES)
def test_bfloat16_changes_scores_by_less_than_5e_3(name):
    """The bound that the documentation of `precision` states."""
    exact = reference_2020.tagger_of(name)
    fast = Tagger(exact.spec, precision="bfloat16")
    fast.set_weights(exact.get_weights())
    moved = np.abs(fast.runner()(reference_2020.inputs(name)) - exact.runner()(reference_2020.inputs(name))).max()
    assert 1e-5 < moved < 5e-3


@pytest.mark.needs("shared")
@pytest.mark.parametrize("name", reference_2020.NAMES)
def test_parameter_counts_equal_the_references(name):
    trainable = sum(weight.shape.num_elements() for weight in reference_2020.tagger_of(name).trainable_weights)
    assert trainable == reference_2020.description(name)["trainable_params"]


PARAMETERS = {
    "fcn": 447_732,
    "musicnn_2020": 784_300,
    "crnn": 394_100,
    "sample_cnn": 1_869_874,
    "sample_cnn_se": 6_951_858,
    "short_chunk_cnn": 3_687_348,
    "short_chunk_cnn_res": 12_104_244,
    "self_attention": 10_521_652,
    "harmonic_cnn": 3_631_551,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_counts_are_those_of_the_evaluation(name):
    """The same without the reference, so that every clone can check it."""
    weights = build(name, reference_2020.TAGS).trainable_weights
    assert sum(weight.shape.num_elements() for weight in weights) == PARAMETERS[name]

"""The network for inference computes what the network computes, on the same weights."""

import keras
import numpy as np
import pytest

from keras_musictag import architectures, build
from keras_musictag.tagger.fold import Folded, fold_normalisation
from tests.checks import signals


def with_statistics(name):
    """Random weights, and normalisations with an effect."""
    keras.utils.set_random_seed(1)
    tagger = build(name, tags=["a", "b"])
    random = np.random.default_rng(0)
    for layer in tagger.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.gamma.shape
            layer.gamma.assign(random.uniform(0.5, 1.5, size) * random.choice([-1, 1], size))
            layer.beta.assign(random.normal(0, 0.1, size))
            layer.moving_mean.assign(random.normal(0, 0.1, size))
            layer.moving_variance.assign(random.uniform(0.5, 1.5, size))
    return tagger


@pytest.mark.parametrize("name", architectures.names())
def test_folded_logits_are_the_networks(name):
    tagger = with_statistics(name)
    batch = signals(tagger.spec.chunking.chunk_samples)[:1]
    logits = keras.Model(tagger.inputs[0], tagger.get_layer("logits").output)
    expected = np.asarray(logits(batch, training=False))
    # float32 products of scaled kernels round differently; relative to logits of a few units
    np.testing.assert_allclose(tagger.runner("logits")(batch), expected, rtol=1e-4, atol=2e-5 * np.abs(expected).max())


def test_only_convolutions_before_normalisation_are_folded():
    folded = fold_normalisation(build("short_chunk_cnn", ["a", "b"]))
    assert sum(isinstance(layer, Folded) for layer in folded.layers) == 8  # seven convolutions, one dense layer
    package = fold_normalisation(build("vgg", ["a", "b"]))  # its ReLU comes before the normalisation
    assert not any(isinstance(layer, Folded) for layer in package.layers)


def test_a_layer_inside_gives_its_own_output():
    """The output of the convolution itself does not include the normalisation after it."""
    tagger = with_statistics("short_chunk_cnn")
    batch = signals(tagger.spec.chunking.chunk_samples)[:1]
    layer = tagger.get_layer("layer2_conv")
    plain = keras.Model(tagger.inputs[0], layer.output)
    expected = np.asarray(plain(batch, training=False))
    # float32 round-off of the first convolution's folding, on maps that reach ten
    np.testing.assert_allclose(tagger.runner("layer2_conv")(batch), expected, rtol=1e-4, atol=1e-3)


def test_the_result_follows_the_weights():
    tagger = with_statistics("short_chunk_cnn")
    batch = signals(tagger.spec.chunking.chunk_samples)[:1]
    before = tagger.runner("logits")(batch)
    tagger.get_layer("layer3_norm").beta.assign_add(np.ones(256))
    tagger.get_layer("layer3_conv").kernel.assign(tagger.get_layer("layer3_conv").kernel * 1.1)
    after = tagger.runner("logits")(batch)
    assert np.abs(after - before).max() > 1e-3
    expected = np.asarray(keras.Model(tagger.inputs[0], tagger.get_layer("logits").output)(batch, training=False))
    np.testing.assert_allclose(after, expected, rtol=1e-4, atol=2e-5 * np.abs(expected).max())


def test_folding_leaves_the_model_as_it_was(tmp_path):
    tagger = build("crnn", ["a", "b"])
    names = [layer.name for layer in tagger.layers]
    paths = [weight.path for weight in tagger.weights]
    tagger.runner()
    tagger.save(tmp_path / "after.keras")
    assert [layer.name for layer in tagger.layers] == names
    assert [weight.path for weight in keras.saving.load_model(tmp_path / "after.keras").weights] == paths


@pytest.mark.parametrize(
    "options, norm_options",
    [
        ({"use_bias": False}, {}),
        ({"dilation_rate": 2, "padding": "same"}, {}),
        ({}, {"scale": False}),
        ({}, {"center": False}),
        ({}, {"axis": 1}),
    ],
)
def test_unsupported_layers_are_left_alone(options, norm_options):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((9, 8, 3))
    x = keras.layers.Conv2D(4, 3, **options)(inputs)
    model = keras.Model(inputs, keras.layers.BatchNormalization(**norm_options)(x))
    maps = np.random.default_rng(0).normal(size=(2, 9, 8, 3)).astype(np.float32)
    folded = fold_normalisation(model)
    assert not any(isinstance(layer, Folded) for layer in folded.layers)
    np.testing.assert_array_equal(folded(maps), model(maps))

"""Layers that train faster give the same numbers as Keras's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_musictag.layers import FusedBatchNormalization, TimbralConv2D


def train(cls, maps):
    """Runs two training steps; returns outputs, gradients (input, gamma, beta) and moving statistics."""
    layer = cls(momentum=0.9, epsilon=1e-5, gamma_initializer=keras.initializers.RandomUniform(0.5, 1.5, seed=0))
    maps = tf.Variable(maps)
    for _ in range(2):
        with tf.GradientTape() as tape:
            outputs = layer(maps, training=True)
            loss = tf.reduce_sum(tf.sin(outputs))
        gradients = tape.gradient(loss, [maps, layer.gamma.value, layer.beta.value])
    return [np.array(x) for x in (outputs, *gradients, layer.moving_mean, layer.moving_variance)]


@pytest.mark.parametrize("shape", [(4, 9, 7, 8), (4, 9, 8), (6, 8), (4, 9, 7, 5)])
def test_training_equals_keras(shape):
    maps = np.random.default_rng(0).normal(3, 2, shape).astype(np.float32)
    expected = train(keras.layers.BatchNormalization, maps)
    found = train(FusedBatchNormalization, maps)
    for ours, theirs in zip(found, expected, strict=True):
        # float32 sums of 252 numbers of a few units, in another order and in two passes
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=3e-4)


def test_inference_and_frozen_layers_ignore_batch_statistics():
    maps = np.random.default_rng(0).normal(3, 2, (4, 9, 7, 5)).astype(np.float32)
    layer = FusedBatchNormalization()
    np.testing.assert_array_equal(layer(maps, training=False), keras.layers.BatchNormalization()(maps, training=False))
    layer.trainable = False
    layer(maps, training=True)
    assert (np.array(layer.moving_mean) == 0).all()


@pytest.mark.parametrize("activation", [None, "relu"])
def test_timbral_training_and_inference_give_the_same(activation):
    keras.utils.set_random_seed(0)
    layer = TimbralConv2D(5, (7, 11), activation=activation, bias_initializer="random_normal")
    maps = np.random.default_rng(0).normal(size=(2, 20, 30, 1)).astype(np.float32)
    plain = keras.ops.convert_to_numpy(layer(maps, training=False))
    windowed = keras.ops.convert_to_numpy(layer(maps, training=True))
    assert plain.shape == (2, 14, 20, 5)
    # float32 sums of 77 products in another order
    np.testing.assert_allclose(windowed, plain, rtol=0, atol=1e-5)

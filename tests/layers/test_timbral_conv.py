"""The two ways to compute a timbral convolution are one."""

import keras
import numpy as np
import pytest

from keras_musictag.layers import TimbralConv2D


@pytest.mark.parametrize("activation", [None, "relu"])
def test_training_and_inference_give_the_same(activation):
    keras.utils.set_random_seed(0)
    layer = TimbralConv2D(5, (7, 11), activation=activation, bias_initializer="random_normal")
    maps = np.random.default_rng(0).normal(size=(2, 20, 30, 1)).astype(np.float32)
    plain = keras.ops.convert_to_numpy(layer(maps, training=False))
    windowed = keras.ops.convert_to_numpy(layer(maps, training=True))
    assert plain.shape == (2, 14, 20, 5)
    # float32 sums of 77 products in another order
    np.testing.assert_allclose(windowed, plain, rtol=0, atol=1e-5)

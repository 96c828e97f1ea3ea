"""Groups of layers that several networks of the 2020 evaluation use. Maps are (batch, frames, mels, channels).

Source: the networks of Won et al., "Evaluation of CNN-based automatic music tagging models", SMC 2020, in
minzwon/sota-music-tagging-models (MIT). The last layer of a block has the name of the block.
"""

import keras

from keras_musictag.layers.fast_training import FusedBatchNormalization
from keras_musictag.layers.keras_settings import dtype_policy

NORM = {"momentum": 0.9, "epsilon": 1e-5}  # the defaults of PyTorch, with which the published weights were trained


def norm(name: str, **options):
    """Batch normalisation as in PyTorch, except for the moving variance, which is biased in Keras.

    The first one of a network is always float32: it is small, and bfloat16 rounds decibels by up to 0.25 dB.
    """
    return FusedBatchNormalization(**NORM, **options, name=name)


def relu(name: str):
    return keras.layers.Activation("relu", name=name)


def conv_2d(x, filters: int, name: str, stride: tuple[int, int] = (1, 1)):
    """3x3 convolution with one zero on each side, also with a stride, where Keras's "same" pads differently."""
    if stride == (1, 1):
        return keras.layers.Conv2D(filters, 3, padding="same", name=name)(x)
    x = keras.layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    return keras.layers.Conv2D(filters, 3, stride, name=name)(x)


def conv_block(x, filters: int, pool: tuple[int, int], name: str):
    """Convolution, normalisation, ReLU and max-pooling by (frames, mels)."""
    x = conv_2d(x, filters, f"{name}_conv")
    x = norm(f"{name}_norm")(x)
    x = relu(f"{name}_relu")(x)
    return keras.layers.MaxPooling2D(pool, name=name)(x)


def residual_block(x, filters: int, stride: tuple[int, int], name: str):
    """Two convolutions, in parallel with a single one, both strided by (frames, mels); their sum and a ReLU."""
    shortcut = conv_2d(x, filters, f"{name}_conv3", stride)
    shortcut = norm(f"{name}_norm3")(shortcut)
    x = _two_convolutions(x, filters, stride, name)
    return relu(name)(keras.layers.Add(name=f"{name}_sum")([x, shortcut]))


def residual_pool_block(x, pool: tuple[int, int], name: str):
    """Two convolutions, in parallel with the identity; their sum, a ReLU and max-pooling by (frames, mels)."""
    y = _two_convolutions(x, x.shape[-1], (1, 1), name)
    x = keras.layers.Add(name=f"{name}_sum")([y, x])
    return keras.layers.MaxPooling2D(pool, name=name)(relu(f"{name}_relu")(x))


def _two_convolutions(x, filters, stride, name):
    x = conv_2d(x, filters, f"{name}_conv1", stride)
    x = norm(f"{name}_norm1")(x)
    x = relu(f"{name}_relu1")(x)
    x = conv_2d(x, filters, f"{name}_conv2")
    return norm(f"{name}_norm2")(x)


def max_over_time(x):
    """Maximum over time: (batch, frames, 1, channels) -> (batch, channels)."""
    if x.shape[2] != 1:
        raise ValueError(
            f"The network must pool the mel bands to 1, but {x.shape[2]} remain. "
            "Choose a `num_mels` that fits the network."
        )
    return keras.layers.GlobalMaxPooling2D(name="pool")(x)


def dense_block(x, units: int):
    """Dense layer, normalisation and ReLU: the penultimate layer, always float32 (see `float32_from`)."""
    with dtype_policy("float32"):
        x = keras.layers.Dense(units, name="dense")(x)
        return relu("dense_relu")(norm("dense_norm")(x))

"""MusicNN of the 2020 evaluation: the idea of MusiCNN, with other numbers in nearly every layer.

Source: Pons et al., ISMIR 2018, as in Won et al., SMC 2020 (class `Musicnn`).

Differs from its source: nothing. It differs from `musicnn` (the network of the PyPI package) in its temporal filters,
which have odd widths and run on the mean of all bands, its normalisation before the ReLU, the order of the filters and
of the pooled vector, and the front end. The weights of one do not fit the other. It can be built for any length;
published weights were trained on 3 s.
"""

from dataclasses import dataclass

import keras

from keras_musictag.architectures._blocks import dense_block, norm, relu
from keras_musictag.audio.chunking import Chunking
from keras_musictag.frontends import log_mel
from keras_musictag.layers.fast_training import TimbralConv2D
from keras_musictag.layers.keras_settings import dtype_policy

FRONTEND = log_mel.Config(num_mels=96)
CHUNKING = Chunking(sample_rate_hz=16000, chunk_samples=48000, hop_samples=48000)
ANY_LENGTH = True


@dataclass(frozen=True)
class Config:
    """Sizes of the network; the weights for the Million Song Dataset have 512 mid-end filters and 500 units.

    Attributes:
        timbral_filters: Filters of each timbral convolution.
        timbral_mels: Heights of the timbral filters, in mel bands; they are 7 frames wide.
        temporal_filters: Filters of each temporal convolution.
        temporal_frames: Widths of the temporal filters, in frames; they run on the mean of all bands.
        midend_filters: Filters of each of the three convolutions after the front.
        units: Size of the penultimate layer.
        dropout: Share of the penultimate layer that is dropped in training.
    """

    timbral_filters: int = 204
    timbral_mels: tuple[int, ...] = (67, 38)
    temporal_filters: int = 51
    temporal_frames: tuple[int, ...] = (129, 65, 33)
    midend_filters: int = 64
    units: int = 200
    dropout: float = 0.5


def body(x, config: Config):
    """Turns features into the penultimate layer.

    Args:
        x: Float tensor (batch, frames, mels, 1), log-mel in dB.
        config: A `Config`.

    Returns:
        Float tensor (batch, units).
    """
    layers = keras.layers
    x = norm("input_norm", dtype="float32")(x)
    _, frames, mels, _ = x.shape
    front = [_timbral(x, config.timbral_filters, height) for height in config.timbral_mels]
    mean = layers.AveragePooling2D((1, mels), name="band_mean")(x)
    mean = layers.Reshape((frames, 1), name="band_mean_frames")(mean)
    front += [_conv_1d(mean, config.temporal_filters, n, f"temporal{n}") for n in config.temporal_frames]
    front = layers.Concatenate(name="front")(front)  # (batch, frames, 561)

    with dtype_policy("float32"):  # little work, and rounding it would change the scores most: see `float32_from`
        mid1 = _conv_1d(front, config.midend_filters, 7, "layer1")
        mid2 = layers.Add(name="layer2_sum")([_conv_1d(mid1, config.midend_filters, 7, "layer2"), mid1])
        mid3 = layers.Add(name="layer3_sum")([_conv_1d(mid2, config.midend_filters, 7, "layer3"), mid2])
    x = layers.Concatenate(name="midend")([front, mid1, mid2, mid3])  # (batch, frames, 753)
    largest, average = layers.GlobalMaxPooling1D(name="pool_max")(x), layers.GlobalAveragePooling1D(name="pool_mean")(x)
    return dense_block(layers.Concatenate(name="pool")([largest, average]), config.units)


def _timbral(x, filters, height):
    """Convolution 7 frames wide over `height` bands, then the maximum over the positions in frequency."""
    name = f"timbral{height}"
    x = keras.layers.ZeroPadding2D((3, 0), name=f"{name}_pad")(x)
    x = TimbralConv2D(filters, (7, height), name=f"{name}_conv")(x)
    x = relu(f"{name}_relu")(norm(f"{name}_norm")(x))
    _, frames, positions, _ = x.shape
    x = keras.layers.MaxPooling2D((1, positions), name=f"{name}_max")(x)
    return keras.layers.Reshape((frames, filters), name=name)(x)  # (batch, frames, filters)


def _conv_1d(x, filters, width, name):
    x = keras.layers.Conv1D(filters, width, padding="same", name=f"{name}_conv")(x)
    return relu(name)(norm(f"{name}_norm")(x))

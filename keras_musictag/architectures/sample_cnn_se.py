"""Sample-level CNN with squeeze-and-excitation: residual blocks that weight their channels by the content of the chunk.

Source: Kim et al., "Sample-level CNN architectures for music auto-tagging using raw waveforms", ICASSP 2018, as in Won
et al., SMC 2020 (class `SampleCNNSE`).

Differs from its source: nothing. Unlike the 2018 paper, only the output of the last block is classified, and the gate
does not reduce the number of channels. It can only be built for 59,049 = 3^10 samples.
"""

from dataclasses import dataclass

import keras

from keras_musictag.architectures._blocks import dense_block, norm, relu
from keras_musictag.architectures.sample_cnn import CHUNKING, FRONTEND, strided_conv
from keras_musictag.layers.keras_settings import float32_from

__all__ = ["ANY_LENGTH", "CHUNKING", "FRONTEND", "Config", "body"]

ANY_LENGTH = False


@dataclass(frozen=True)
class Config:
    """Sizes of the network: filters of the blocks that divide time by three, and of the last block; units of
    the penultimate layer.
    """

    filters: tuple[int, ...] = (128, 128, 128, 256, 256, 256, 256, 256, 256, 512)
    last_filters: int = 512
    units: int = 512
    dropout: float = 0.5


def body(x, config: Config):
    """Turns a waveform into the penultimate layer.

    Args:
        x: Float tensor (batch, 59049, 1).
        config: A `Config`.

    Returns:
        Float tensor (batch, units).
    """
    x = _block(x, config.filters[0], "layer1", strided=True)
    for index, filters in enumerate(config.filters[1:], start=2):
        with float32_from(index, first=4):
            x = _block(x, filters, f"layer{index}", pool=3)
    index = len(config.filters) + 1
    with float32_from(index, first=4):
        x = _block(x, config.last_filters, f"layer{index}", width=1)
    x = keras.layers.Flatten(name="flatten")(x)  # one step is left
    return dense_block(x, config.units)


def _block(x, filters, name, width=3, strided=False, pool=1):
    """Two convolutions and a gate, in parallel with the identity, or with a convolution if the shapes differ."""
    layers = keras.layers
    shortcut = x
    if strided or x.shape[-1] != filters:
        shortcut = norm(f"{name}_norm3")(_conv(x, filters, width, f"{name}_conv3", strided))
    x = _conv(x, filters, width, f"{name}_conv1", strided)
    x = relu(f"{name}_relu1")(norm(f"{name}_norm1")(x))
    x = norm(f"{name}_norm2")(_conv(x, filters, width, f"{name}_conv2"))

    gate = layers.GlobalAveragePooling1D(keepdims=True, name=f"{name}_mean")(x)
    gate = layers.Dense(filters, activation="relu", name=f"{name}_gate1")(gate)
    gate = layers.Dense(filters, activation="sigmoid", name=f"{name}_gate2")(gate)
    x = layers.Multiply(name=f"{name}_gated")([x, gate])

    x = layers.Add(name=f"{name}_sum")([x, shortcut])
    if pool == 1:
        return relu(name)(x)
    return layers.MaxPooling1D(pool, name=name)(relu(f"{name}_relu")(x))


def _conv(x, filters, width, name, strided=False):
    if strided:
        return strided_conv(x, filters, name)
    return keras.layers.Conv1D(filters, width, padding="same", name=name)(x)

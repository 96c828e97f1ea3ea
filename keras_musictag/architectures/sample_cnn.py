"""Sample-level CNN: filters of three samples on the waveform, without a spectrogram.

Source: Lee et al., "Sample-level deep convolutional neural networks for music auto-tagging using raw waveforms", SMC
2017, as in Won et al., SMC 2020 (class `SampleCNN`).

Differs from its source: nothing. It can only be built for 59,049 = 3^10 samples, because each layer divides the length
by three.
"""

from dataclasses import dataclass

import keras

from keras_musictag.architectures._blocks import norm, relu
from keras_musictag.audio.chunking import Chunking
from keras_musictag.frontends import waveform
from keras_musictag.layers.keras_settings import float32_from

FRONTEND = waveform.Config()
CHUNKING = Chunking(sample_rate_hz=16000, chunk_samples=59049, hop_samples=59049)
ANY_LENGTH = False


@dataclass(frozen=True)
class Config:
    """Sizes of the network: filters of the layers that divide time by three, and of the last layer."""

    filters: tuple[int, ...] = (128, 128, 128, 256, 256, 256, 256, 256, 256, 512)
    last_filters: int = 512
    dropout: float = 0.5


def body(x, config: Config):
    """Turns a waveform into the penultimate layer.

    Args:
        x: Float tensor (batch, 59049, 1).
        config: A `Config`.

    Returns:
        Float tensor (batch, last_filters).
    """
    x = strided_conv(x, config.filters[0], "layer1_conv")
    x = relu("layer1")(norm("layer1_norm")(x))
    for index, filters in enumerate(config.filters[1:], start=2):
        with float32_from(index, first=5):
            x = keras.layers.Conv1D(filters, 3, padding="same", name=f"layer{index}_conv")(x)
            x = relu(f"layer{index}_relu")(norm(f"layer{index}_norm")(x))
            x = keras.layers.MaxPooling1D(3, name=f"layer{index}")(x)
    index = len(config.filters) + 1
    with float32_from(index, first=5):
        x = keras.layers.Conv1D(config.last_filters, 1, name=f"layer{index}_conv")(x)
        x = relu(f"layer{index}")(norm(f"layer{index}_norm")(x))
    return keras.layers.Flatten(name="flatten")(x)  # one step is left


def strided_conv(x, filters, name):
    """Convolution of 3 samples, stride 3, with a zero on each side; Keras's "same" would add none at the start."""
    x = keras.layers.ZeroPadding1D(1, name=f"{name}_pad")(x)
    return keras.layers.Conv1D(filters, 3, strides=3, name=name)(x)

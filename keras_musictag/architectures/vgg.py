"""VGG as published in the PyPI package `musicnn` 0.1.0, as a baseline for MusiCNN.

Source: Choi et al., "Automatic tagging using deep convolutional neural networks", ISMIR 2016, for the idea of small
square filters; the network is that of the package's `vgg` model (Pons and Serra, LBD-ISMIR 2019).

Differs from its source: nothing in the network. The source rounds mel power to float16 before the logarithm, which
changes the score of a chunk by up to 2.1e-4; this is left out. The network cannot be built for other lengths, because
its last layer fits 187 frames.
"""

from dataclasses import dataclass

import keras

from keras_musictag.architectures import musicnn
from keras_musictag.layers.fast_training import FusedBatchNormalization

FRONTEND = musicnn.FRONTEND  # the package uses one log-mel front end for all its models
CHUNKING = musicnn.CHUNKING
ANY_LENGTH = False


@dataclass(frozen=True)
class Config:
    """Sizes of the network.

    Attributes:
        filters: Filters of each of the five convolutions.
        block_dropout: Share that is dropped in training after each of the first four blocks.
        dropout: Share of the penultimate layer that is dropped in training.
    """

    filters: int = 128
    block_dropout: float = 0.25
    dropout: float = 0.5


# (size, stride) of each pooling, by (frames, mels). The first covers 4 frames and 1 band but has a stride of 2 and 2:
# it skips every other band, as in the source.
POOLS = (((4, 1), (2, 2)), ((2, 2), (2, 2)), ((2, 2), (2, 2)), ((2, 2), (2, 2)), ((4, 4), (4, 4)))


def body(x, config: Config):
    """Turns features into the penultimate layer.

    Args:
        x: Float tensor (batch, frames, mels, 1), log-mel.
        config: A `Config`.

    Returns:
        Float tensor (batch, 256) for chunks of 187 frames and 96 mels.
    """
    x = _norm("input_norm", dtype="float32")(x)
    for index, (size, stride) in enumerate(POOLS, start=1):
        x = keras.layers.Conv2D(config.filters, 3, padding="same", activation="relu", name=f"conv{index}")(x)
        x = _norm(f"conv{index}_norm")(x)
        x = keras.layers.MaxPooling2D(size, stride, name=f"pool{index}")(x)
        if index < len(POOLS):
            x = keras.layers.Dropout(config.block_dropout, name=f"pool{index}_dropout")(x)
    return keras.layers.Flatten(name="flatten")(x)  # (frames, mels, filters) = (2, 1, 128)


def _norm(name, **options):
    return FusedBatchNormalization(momentum=0.99, epsilon=musicnn.NORM_EPSILON, **options, name=name)

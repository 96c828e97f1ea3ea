"""FCN: five convolutions that pool a clip of 29 s to one point.

Source: Choi et al., "Automatic tagging using deep convolutional neural networks", ISMIR 2016, as in Won et al., SMC
2020 (class `FCN`).

Differs from its source: nothing. Unlike the 2016 paper, it has 64 to 128 filters instead of 128 to 2048, and takes
29.0 s. It cannot be built for other lengths, because the pooling sizes fit 29 s. Longer audio is cut into chunks.
"""

from contextlib import nullcontext
from dataclasses import dataclass

import keras

from keras_musictag.architectures._blocks import conv_block, norm
from keras_musictag.audio.chunking import Chunking
from keras_musictag.frontends import log_mel
from keras_musictag.layers.keras_settings import dtype_policy

FRONTEND = log_mel.Config(num_mels=96)
CHUNKING = Chunking(sample_rate_hz=16000, chunk_samples=464000, hop_samples=464000)
ANY_LENGTH = False


@dataclass(frozen=True)
class Config:
    """Sizes of the network: filters and pooling by (frames, mels) of each block."""

    filters: tuple[int, ...] = (64, 128, 128, 128, 64)
    pools: tuple[tuple[int, int], ...] = ((4, 2), (4, 2), (4, 2), (5, 3), (4, 4))
    dropout: float = 0.5


def body(x, config: Config):
    """Turns features into the penultimate layer.

    Args:
        x: Float tensor (batch, 1813, 96, 1), log-mel in dB.
        config: A `Config`.

    Returns:
        Float tensor (batch, 64).
    """
    x = norm("input_norm", dtype="float32")(x)
    for index, (filters, pool) in enumerate(zip(config.filters, config.pools, strict=True), start=1):
        # the second block is three quarters of the work; rounding the others to bfloat16 would change the scores most
        with nullcontext() if index == 2 else dtype_policy("float32"):
            x = conv_block(x, filters, pool, name=f"layer{index}")
    return keras.layers.Flatten(name="flatten")(x)  # (frames, mels) = (1, 1)

"""CRNN: convolutions describe 18 moments of a clip, and a recurrent network summarises them.

Source: Choi et al., "Convolutional recurrent neural networks for music classification", ICASSP 2017, as in Won et al.,
SMC 2020 (class `CRNN`).

Differs from its source: nothing. Unlike the 2017 paper, it uses ReLU instead of ELU, and no dropout between blocks.
It can be built for any length from 1.6 s, which leaves one frame after the pooling; published weights were trained on
29 s.
"""

from dataclasses import dataclass

import keras

from keras_musictag.architectures._blocks import conv_block, norm
from keras_musictag.audio.chunking import Chunking
from keras_musictag.frontends import log_mel

FRONTEND = log_mel.Config(num_mels=96)
CHUNKING = Chunking(sample_rate_hz=16000, chunk_samples=464000, hop_samples=464000)
ANY_LENGTH = True


@dataclass(frozen=True)
class Config:
    """Sizes of the network: filters and pooling by (frames, mels) of each block, and units of the two GRUs."""

    filters: tuple[int, ...] = (64, 128, 128, 128)
    pools: tuple[tuple[int, int], ...] = ((2, 2), (3, 3), (4, 4), (4, 4))
    units: int = 32
    dropout: float = 0.5


def body(x, config: Config):
    """Turns features into the penultimate layer: the last state of the second GRU.

    Args:
        x: Float tensor (batch, frames, 96, 1), log-mel in dB.
        config: A `Config`.

    Returns:
        Float tensor (batch, units).
    """
    x = norm("input_norm", dtype="float32")(x)
    for index, (filters, pool) in enumerate(zip(config.filters, config.pools, strict=True), start=1):
        x = conv_block(x, filters, pool, name=f"layer{index}")
    x = keras.layers.Reshape((x.shape[1], x.shape[3]), name="steps")(x)  # (batch, 18, 128): one band is left
    x = keras.layers.GRU(config.units, return_sequences=True, name="gru1")(x)
    return keras.layers.GRU(config.units, name="gru2")(x)

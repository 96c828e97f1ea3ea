"""Harmonic CNN: a CNN on six harmonics of each pitch, with harmonic filters whose width is learnt.

Source: Won et al., "Data-driven harmonic filters for audio representation learning", ICASSP 2020, as in Won et al., SMC
2020 (class `HarmonicCNN`).

Differs from its source: nothing. It can be built for any length from 4.6 s, which leaves one frame after the pooling;
published weights were trained on 5 s.
"""

from dataclasses import dataclass

from keras_musictag.architectures._blocks import conv_block, dense_block, max_over_time, norm, residual_pool_block
from keras_musictag.audio.chunking import Chunking
from keras_musictag.frontends import harmonic
from keras_musictag.layers.keras_settings import dtype_policy

FRONTEND = harmonic.Config()
CHUNKING = Chunking(sample_rate_hz=16000, chunk_samples=80000, hop_samples=80000)
ANY_LENGTH = True


@dataclass(frozen=True)
class Config:
    """Sizes of the network: filters of the lower and upper layers, and units of the penultimate layer."""

    lower_filters: int = 128
    upper_filters: int = 256
    units: int = 256
    dropout: float = 0.5


def body(x, config: Config):
    """Turns features into the penultimate layer.

    Args:
        x: Float tensor (batch, frames, 128, 6), harmonics in dB.
        config: A `Config`.

    Returns:
        Float tensor (batch, units).
    """
    x = norm("input_norm", dtype="float32")(x)
    x = conv_block(x, config.lower_filters, (2, 2), name="layer1")
    for index in (2, 3, 4):
        x = residual_pool_block(x, (2, 2), name=f"layer{index}")
    with dtype_policy("float32"):  # the upper layers are small: see `float32_from`
        x = conv_block(x, config.upper_filters, (2, 2), name="layer5")
        for index in (6, 7):
            x = residual_pool_block(x, (3, 2), name=f"layer{index}")
    return dense_block(max_over_time(x), config.units)

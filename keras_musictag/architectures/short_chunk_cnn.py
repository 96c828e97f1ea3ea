"""Short-chunk CNN: seven plain blocks on 3.69 s, the strongest simple network of the 2020 evaluation.

Source: Won et al., "Evaluation of CNN-based automatic music tagging models", SMC 2020 (class `ShortChunkCNN`).

Differs from its source: nothing. It can be built for any length from 2.04 s, which leaves one frame after the pooling;
published weights were trained on 3.69 s.
"""

from dataclasses import dataclass

from keras_musictag.architectures._blocks import conv_block, dense_block, max_over_time, norm
from keras_musictag.audio.chunking import Chunking
from keras_musictag.frontends import log_mel
from keras_musictag.layers.keras_settings import float32_from

FRONTEND = log_mel.Config(num_mels=128)
CHUNKING = Chunking(sample_rate_hz=16000, chunk_samples=59049, hop_samples=59049)
ANY_LENGTH = True


@dataclass(frozen=True)
class Config:
    """Sizes of the network: filters of each block, and units of the penultimate layer."""

    filters: tuple[int, ...] = (128, 128, 256, 256, 256, 256, 512)
    units: int = 512
    dropout: float = 0.5


def body(x, config: Config):
    """Turns features into the penultimate layer.

    Args:
        x: Float tensor (batch, frames, 128, 1), log-mel in dB.
        config: A `Config`.

    Returns:
        Float tensor (batch, units).
    """
    x = norm("input_norm", dtype="float32")(x)
    for index, filters in enumerate(config.filters, start=1):
        with float32_from(index, first=5):
            x = conv_block(x, filters, (2, 2), name=f"layer{index}")
    return dense_block(max_over_time(x), config.units)

"""MusiCNN as its authors published it: a front of filters shaped for timbre and rhythm, followed by a small CNN.

Source: Pons et al., "End-to-end learning for music audio tagging at scale", ISMIR 2018; Pons and Serra, "musicnn:
pre-trained convolutional neural networks for music audio tagging", LBD-ISMIR 2019; the PyPI package `musicnn` 0.1.0.

Differs from its source: nothing in the network. The source rounds mel power to float16 before the logarithm, which
changes the score of a chunk by up to 8.1e-5; this is left out. The MusicNN of the 2020 evaluation is another network,
`musicnn_2020`. It can be built for any length; published weights were trained on 3 s.
"""

from dataclasses import dataclass

import keras

from keras_musictag.audio.chunking import Chunking
from keras_musictag.frontends import log_mel
from keras_musictag.layers.fast_training import FusedBatchNormalization, TimbralConv2D

# The defaults of librosa in 2019: Slaney scale and norm, frames centred with zeros. Chunks include half a window of
# context on both sides, so that at the default hop, the frames of the chunks are those of the whole track.
FRONTEND = log_mel.Config(mel_scale="slaney", mel_norm="slaney", padding="none", compression="log_gain")
CHUNKING = Chunking(sample_rate_hz=16000, chunk_samples=48128, hop_samples=47872, context_samples=256)
ANY_LENGTH = True

NORM_EPSILON = 1e-3  # the default of TensorFlow 1, with which the weights were trained


@dataclass(frozen=True)
class Config:
    """Sizes of the network.

    Attributes:
        timbral_filters: Filters of each timbral convolution.
        timbral_mels: Heights of the timbral filters, in mel bands; they are 7 frames wide.
        temporal_filters: Filters of each temporal convolution.
        temporal_frames: Widths of the temporal filters, in frames; they are one band high.
        midend_filters: Filters of each of the three convolutions after the front.
        units: Size of the penultimate layer.
        dropout: Share of the pooled vector, and of the penultimate layer, that is dropped in training.
    """

    timbral_filters: int = 204
    timbral_mels: tuple[int, ...] = (38, 67)
    temporal_filters: int = 51
    temporal_frames: tuple[int, ...] = (128, 64, 32)
    midend_filters: int = 64
    units: int = 200
    dropout: float = 0.5


def body(x, config: Config):
    """Turns features into the penultimate layer.

    Args:
        x: Float tensor (batch, frames, mels, 1), log-mel.
        config: A `Config`.

    Returns:
        Float tensor (batch, units).
    """
    layers = keras.layers
    x = _norm("input_norm", dtype="float32")(x)
    front = [_timbral(x, config.timbral_filters, mels) for mels in config.timbral_mels]
    # time on the inner axis: with (128, 1) kernels, TensorFlow's convolution takes 13 times the memory
    bands = layers.Permute((2, 1, 3), name="bands")(x)  # (batch, mels, frames, 1)
    front += [_temporal(bands, config.temporal_filters, frames) for frames in config.temporal_frames]
    front = layers.Concatenate(name="front")(front)  # (batch, frames, 561)

    # residual from the second convolution: the first changes the number of channels
    mid1 = _midend(front, config.midend_filters, name="midend1")
    mid2 = layers.Add(name="midend2_sum")([_midend(mid1, config.midend_filters, name="midend2"), mid1])
    mid3 = layers.Add(name="midend3_sum")([_midend(mid2, config.midend_filters, name="midend3"), mid2])
    x = layers.Concatenate(name="midend")([front, mid1, mid2, mid3])  # (batch, frames, 753)

    # interleaved: max and mean of channel 0, of channel 1, ...
    column = (x.shape[-1], 1)
    largest = layers.Reshape(column, name="pool_max_column")(layers.GlobalMaxPooling1D(name="pool_max")(x))
    mean = layers.Reshape(column, name="pool_mean_column")(layers.GlobalAveragePooling1D(name="pool_mean")(x))
    x = layers.Concatenate(name="pool")([largest, mean])  # (batch, 753, 2)
    x = layers.Flatten(name="pool_interleaved")(x)
    x = _norm("pool_norm")(x)
    x = layers.Dropout(config.dropout, name="pool_dropout")(x)
    x = layers.Dense(config.units, activation="relu", name="dense")(x)
    return _norm("dense_norm")(x)


def _norm(name, **options):
    return FusedBatchNormalization(momentum=0.99, epsilon=NORM_EPSILON, **options, name=name)


def _timbral(x, filters, mels):
    """Convolution 7 frames wide over `mels` bands, then the maximum over the positions in frequency."""
    name = f"timbral{mels}"
    x = keras.layers.ZeroPadding2D((3, 0), name=f"{name}_pad")(x)
    x = TimbralConv2D(filters, (7, mels), activation="relu", name=name)(x)
    x = _norm(f"{name}_norm")(x)
    _, frames, positions, _ = x.shape
    x = keras.layers.MaxPooling2D((1, positions), name=f"{name}_max")(x)
    return keras.layers.Reshape((frames, filters), name=f"{name}_frames")(x)  # (batch, frames, filters)


def _temporal(bands, filters, frames):
    """Convolution along time on each band, (batch, mels, frames, 1), then the maximum over the bands."""
    name = f"temporal{frames}"
    x = keras.layers.Conv2D(filters, (1, frames), padding="same", activation="relu", name=name)(bands)
    x = _norm(f"{name}_norm")(x)
    _, num_mels, num_frames, _ = x.shape
    x = keras.layers.MaxPooling2D((num_mels, 1), name=f"{name}_max")(x)
    return keras.layers.Reshape((num_frames, filters), name=f"{name}_frames")(x)  # (batch, frames, filters)


def _midend(x, filters, name):
    x = keras.layers.Conv1D(filters, 7, padding="same", activation="relu", name=name)(x)
    return _norm(f"{name}_norm")(x)

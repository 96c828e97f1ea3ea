"""CNN with self-attention: residual blocks describe 118 moments of a chunk, and a transformer encoder relates them.

Source: Won et al., "Toward interpretable music tagging with self-attention", 2019, as in Won et al., SMC 2020 (class
`CNNSA`).

Differs from its source: nothing. As in the source, there are no position embeddings, and the class token is a constant
that is drawn once and never trained. It can be built for any length; published weights were trained on 15 s.
"""

from dataclasses import dataclass

import keras
import numpy as np

from keras_musictag.architectures._blocks import norm, residual_block
from keras_musictag.audio.chunking import Chunking
from keras_musictag.frontends import log_mel

FRONTEND = log_mel.Config(num_mels=128)
CHUNKING = Chunking(sample_rate_hz=16000, chunk_samples=240000, hop_samples=240000)
ANY_LENGTH = True


@dataclass(frozen=True)
class Config:
    """Sizes of the network.

    Attributes:
        filters: Filters of each residual block.
        strides: Stride of each block, by (frames, mels).
        heads: Number of attention heads, each with `filters[-1] // heads` features.
        encoder_layers: Number of transformer layers.
        units: Size of the hidden layer of each transformer layer.
        attention_dropout: Share of the attention weights that is dropped in training.
        hidden_dropout: Share of each transformer sub-layer's output that is dropped in training.
        dropout: Share of the penultimate layer that is dropped in training.
    """

    filters: tuple[int, ...] = (128, 128, 256, 256, 256, 256, 256)
    strides: tuple[tuple[int, int], ...] = ((2, 2), (2, 2), (2, 2), (1, 2), (1, 2), (1, 2), (1, 2))
    heads: int = 8
    encoder_layers: int = 2
    units: int = 1024
    attention_dropout: float = 0.5
    hidden_dropout: float = 0.4
    dropout: float = 0.5


def body(x, config: Config):
    """Turns features into the penultimate layer.

    Args:
        x: Float tensor (batch, frames, 128, 1), log-mel in dB.
        config: A `Config`.

    Returns:
        Float tensor (batch, filters[-1]).
    """
    x = norm("input_norm", dtype="float32")(x)
    for index, (filters, stride) in enumerate(zip(config.filters, config.strides, strict=True), start=1):
        x = residual_block(x, filters, stride, name=f"layer{index}")
    x = keras.layers.Reshape((x.shape[1], x.shape[3]), name="steps")(x)  # (batch, 118, 256): one band is left
    x = ClassToken(name="class_token")(x)  # (batch, 119, 256)
    for index in range(1, config.encoder_layers + 1):
        x = _encoder_layer(x, config, name=f"encoder{index}")
    x = keras.layers.Cropping1D((0, x.shape[1] - 1), name="first")(x)
    x = keras.layers.Flatten(name="first_flat")(x)
    return keras.layers.Dense(x.shape[-1], activation="tanh", name="pooler")(x)


def _encoder_layer(x, config, name):
    """A BERT layer: self-attention, then a two-layer network; after each, a residual sum and a normalisation."""
    layers = keras.layers
    features = x.shape[-1]
    attention = layers.MultiHeadAttention(
        config.heads, features // config.heads, dropout=config.attention_dropout, name=f"{name}_attention"
    )
    y = layers.Dropout(config.hidden_dropout, name=f"{name}_attention_dropout")(attention(x, x))
    x = layers.Add(name=f"{name}_attention_sum")([x, y])
    x = layers.LayerNormalization(epsilon=1e-12, name=f"{name}_attention_norm")(x)
    y = layers.Dense(config.units, activation="gelu", name=f"{name}_hidden")(x)  # exact, with the error function
    y = layers.Dense(features, name=f"{name}_output")(y)
    y = layers.Dropout(config.hidden_dropout, name=f"{name}_output_dropout")(y)
    x = layers.Add(name=f"{name}_output_sum")([x, y])
    return layers.LayerNormalization(epsilon=1e-12, name=f"{name}_output_norm")(x)


@keras.saving.register_keras_serializable(package="keras_musictag")
class ClassToken(keras.layers.Layer):
    """Prepends a constant vector to a sequence: (batch, steps, features) -> (batch, steps + 1, features).

    The vector is the first draw of NumPy's legacy generator with seed 0, as in the source: its published weights
    depend on this vector but do not include it. NumPy guarantees that this generator's streams never change.
    """

    def build(self, input_shape):
        token = np.random.RandomState(0).random_sample((1, 1, input_shape[-1]))
        self.token = token.astype(np.float32)

    def call(self, sequence):
        token = keras.ops.cast(self.token, sequence.dtype)
        token = keras.ops.broadcast_to(token, (keras.ops.shape(sequence)[0], 1, sequence.shape[-1]))
        return keras.ops.concatenate([token, sequence], axis=1)

    def compute_output_shape(self, input_shape):
        batch, steps, features = input_shape
        return batch, None if steps is None else steps + 1, features

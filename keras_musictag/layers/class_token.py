"""The class token of the self-attention network: a constant in front of a sequence."""

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="keras_musictag")
class ClassToken(keras.layers.Layer):
    """Puts a constant vector in front: (batch, steps, features) -> (batch, steps + 1, features).

    The vector is the first draw of NumPy's legacy generator, seeded by 0, as in the original, whose published
    weights depend on it and do not hold it. NumPy keeps that generator's streams for ever.
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

"""What a network costs: its arithmetic for one chunk."""

import keras
import numpy as np


def multiply_adds(model: keras.Model) -> float:
    """Multiplications (each with an addition) of one chunk in convolutions, products and recurrences.

    The front end is left out; so are normalisation, activation and pooling, as is usual.

    Example:
        >>> inputs = keras.Input((10,))
        >>> multiply_adds(keras.Model(inputs, keras.layers.Dense(3)(inputs)))
        30.0
    """
    return sum(_of_layer(layer) for layer in model.layers)


def _of_layer(layer) -> float:
    kinds = keras.layers
    if isinstance(layer, (kinds.Conv1D, kinds.Conv2D)):
        kernel = layer.kernel.shape
        return float(np.prod(layer.output.shape[1:-1]) * np.prod(kernel))
    if isinstance(layer, kinds.Dense):
        return float(np.prod(layer.output.shape[1:-1]) * np.prod(layer.kernel.shape))
    if isinstance(layer, kinds.GRU):
        steps = layer.input.shape[1]
        return float(steps * sum(np.prod(w.shape) for w in layer.weights if len(w.shape) == 2))
    if isinstance(layer, kinds.MultiHeadAttention):
        steps, features = layer.output.shape[1:]
        return float(
            steps * sum(np.prod(w.shape) for w in layer.weights if len(w.shape) == 3) + 2 * steps**2 * features
        )
    return 0.0

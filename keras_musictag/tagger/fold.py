"""A network for inference, in which each normalisation that follows a convolution is folded into it.

A convolution's output is the largest array that a network computes, and a separate normalisation passes over it twice
more. Folding scales the kernel instead, inside the graph, so that the result follows changes of the weights.
"""

import keras


def fold_normalisation(model: keras.Model) -> keras.Model:
    """Makes a model that computes the same in inference, with the same weights. TensorFlow only.

    Args:
        model: A functional model.

    Returns:
        A functional model in which a convolution or dense layer and the normalisation after it are one layer. Scores
        differ by round-off. It is only for inference: it must not be trained or saved.
    """
    norms = {layer.name: _norm_after(layer, model) for layer in model.layers}
    folded = {norm.name for norm in norms.values() if norm is not None}

    def replace(layer):
        if layer.name in folded:
            return PassThrough(dtype=layer.dtype_policy, name=layer.name)
        norm = norms.get(layer.name)
        return layer if norm is None else Folded(layer, norm, dtype=layer.dtype_policy, name=layer.name)

    outputs = model.outputs[0] if len(model.outputs) == 1 else model.outputs
    return keras.models.clone_model(keras.Model(model.inputs[0], outputs), clone_function=replace)


def _norm_after(layer, model):
    """The normalisation that is the only layer to use a linear layer's output, or None."""
    kinds = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Dense)
    if not isinstance(layer, kinds) or layer.activation is not keras.activations.linear:
        return None
    if any(layer.output is output for output in model.outputs):
        return None
    followers = [node.operation for node in layer._outbound_nodes if node.operation in model.operations]
    if len(followers) != 1 or not isinstance(followers[0], keras.layers.BatchNormalization):
        return None
    return followers[0] if _foldable(layer, followers[0]) else None


def _foldable(linear, norm) -> bool:
    """Whether `Folded` supports the settings of the two layers."""
    plain = isinstance(linear, keras.layers.Dense) or (
        set(linear.dilation_rate) == {1}
        and linear.padding in ("same", "valid")
        and linear.data_format == "channels_last"
    )
    last = norm.axis in (-1, len(linear.output.shape) - 1)
    return plain and last and linear.use_bias and norm.scale and norm.center and len(norm._inbound_nodes) == 1


class Folded(keras.layers.Layer):
    """A convolution or dense layer with the normalisation after it, using the weights of both."""

    def __init__(self, linear, norm, **kwargs):
        super().__init__(**kwargs)
        self.linear = linear
        self.norm = norm

    def call(self, x):
        import tensorflow as tf

        norm, linear = self.norm, self.linear
        scale = norm.gamma * tf.math.rsqrt(norm.moving_variance + norm.epsilon)
        bias = (linear.bias - norm.moving_mean) * scale + norm.beta
        kernel = tf.cast(linear.kernel * scale, x.dtype)  # the filters are the last axis
        if isinstance(linear, keras.layers.Dense):
            x = tf.matmul(x, kernel)
        else:
            x = tf.nn.convolution(x, kernel, linear.strides, linear.padding.upper())
        return tf.nn.bias_add(x, tf.cast(bias, x.dtype))  # TensorFlow fuses this, unlike a plain sum

    def compute_output_spec(self, x):
        return self.linear.compute_output_spec(x)


class PassThrough(keras.layers.Layer):
    """Replaces a folded normalisation; it takes the same arguments and returns its input."""

    def call(self, x, training=None, mask=None):
        return x

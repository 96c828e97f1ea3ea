"""Layers that train faster than Keras's own and give the same numbers: batch normalisation, tall convolutions."""

import keras
import numpy as np

MIN_CHANNELS = 8


@keras.saving.register_keras_serializable(package="keras_musictag")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """A `BatchNormalization` over the last axis that trains faster on TensorFlow.

    Keras passes over the largest maps of a network three times, for mean, variance and result. TensorFlow has one fused
    operation for all three, which takes a third of the time, forward and backward (docs/performance.md). It sums in
    plain float32: with 72,000 values per channel, the result differs by up to 1e-4 of its value. Otherwise the numbers
    are those of Keras, including its biased moving variance (PyTorch's is unbiased). On other backends, and in
    inference, this is Keras's own layer.

    When replicas are synchronised, the variance is combined from the replicas' variances. Keras computes
    E[x^2] - E[x]^2 instead, which loses three digits on features in dB, because their mean is far from 0.

    Example:
        >>> normalised = FusedBatchNormalization()(keras.ops.convert_to_tensor([[[1.0] * 8, [3.0] * 8]]), training=True)
        >>> [round(float(value), 2) for value in normalised[0, :, 0]]
        [-1.0, 1.0]
    """

    def _moments(self, inputs, mask):
        if not self.synchronized or mask is not None or keras.backend.backend() != "tensorflow":
            return super()._moments(inputs, mask)
        import tensorflow as tf

        replica = tf.distribute.get_replica_context()
        if replica is None:  # while the graph is traced
            return super()._moments(inputs, mask)

        def total(values):
            return replica.all_reduce(tf.distribute.ReduceOp.SUM, values)

        local_mean, local_variance = tf.nn.moments(inputs, self._reduction_axes)
        local_count = tf.cast(tf.size(inputs) // tf.size(local_mean), inputs.dtype)
        count = total(local_count)
        mean = total(local_count * local_mean) / count
        return mean, total(local_count * (local_variance + tf.square(local_mean - mean))) / count

    def call(self, inputs, training=None, mask=None):
        plain = self.scale and self.center and self.axis in (-1, len(inputs.shape) - 1) and not self.synchronized
        # features in dB (one channel, or six harmonics) are far from 0: the operation's plain sums lose three digits
        large = len(inputs.shape) in (3, 4) and inputs.shape[-1] >= MIN_CHANNELS
        fusable = plain and large and mask is None and self.compute_dtype != "float64"
        if not (training and self.trainable and fusable and keras.backend.backend() == "tensorflow"):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        maps = inputs if len(inputs.shape) == 4 else inputs[:, :, None, :]  # (batch, frames, 1, channels)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            maps, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
        )
        count = tf.cast(tf.reduce_prod(tf.shape(maps)[:-1]), variance.dtype)
        biased = variance * (count - 1) / count  # the operation returns the unbiased variance
        self.moving_mean.assign(self.moving_mean * self.momentum + mean * (1 - self.momentum))
        self.moving_variance.assign(self.moving_variance * self.momentum + biased * (1 - self.momentum))
        return outputs if len(inputs.shape) == 4 else outputs[:, :, 0, :]


@keras.saving.register_keras_serializable(package="keras_musictag")
class TimbralConv2D(keras.layers.Conv2D):
    """A `Conv2D` for maps with one channel, (batch, frames, mels, 1), without padding along the mels.

    MusiCNN begins with such convolutions, whose filters are tall. In training, this layer cuts the mels into windows
    and treats each window as channels: the sum is the same, and its gradient with respect to the input is that of an
    ordinary convolution. With a single channel, TensorFlow takes 4 times as long for that gradient
    (docs/performance.md). In inference the plain convolution is faster.

    Example:
        >>> tuple(TimbralConv2D(4, (7, 38))(keras.ops.zeros((1, 20, 96, 1))).shape)
        (1, 14, 59, 4)
    """

    def call(self, x, training=False):
        plain = self.use_bias and self.padding == "valid" and {*self.strides, *self.dilation_rate} == {1}
        if not (training and plain):
            return super().call(x)
        frames, height, _, filters = self.kernel.shape
        positions = x.shape[2] - height + 1
        window = np.arange(positions)[:, None] + np.arange(height)[None, :]
        x = keras.ops.take(x[..., 0], window, axis=2)  # (batch, frames, positions, height)
        kernel = keras.ops.reshape(self.kernel, (frames, 1, height, filters))
        x = keras.ops.conv(x, kernel, padding="valid", data_format="channels_last")
        return self.activation(x + keras.ops.reshape(self.bias, (1, 1, 1, filters)))

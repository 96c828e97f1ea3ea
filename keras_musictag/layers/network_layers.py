"""Batch normalisation by TensorFlow's fused operation, where there is one.

Convolution of one channel by tall filters, as in MusiCNN's front, quick to train.

The class token of the self-attention network: a constant in front of a sequence.
"""

import keras
import numpy as np

MIN_CHANNELS = 8


@keras.saving.register_keras_serializable(package="keras_musictag")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """A `BatchNormalization` over the last axis, quicker to train on TensorFlow.

    Keras computes mean, variance and result in passes of their own over the largest maps of a network; TensorFlow has
    one operation for them, which takes a third of the time, forward and back (docs/performance.md). It sums in plain
    float32: on 72,000 values a channel the result moves by up to 1e-4 of itself. Else the numbers are Keras's, with its
    biased moving variance (PyTorch's is not biased). On other backends and in inference it is Keras's own layer.
    Synchronised over replicas, the variance is put together of the replicas' variances; Keras takes E[x^2] - E[x]^2,
    which costs features in dB, whose mean is far from 0, three digits.
    """

    def _moments(self, inputs, mask):
        if not self.synchronized or mask is not None or keras.backend.backend() != "tensorflow":
            return super()._moments(inputs, mask)
        import tensorflow as tf

        replica = tf.distribute.get_replica_context()
        if replica is None:  # while the graph is drawn
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
        # features in dB, of one channel or six harmonics, lie far from 0: the operation's plain sums lose three digits
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
        biased = variance * (count - 1) / count  # the operation gives the unbiased one
        self.moving_mean.assign(self.moving_mean * self.momentum + mean * (1 - self.momentum))
        self.moving_variance.assign(self.moving_variance * self.momentum + biased * (1 - self.momentum))
        return outputs if len(inputs.shape) == 4 else outputs[:, :, 0, :]


@keras.saving.register_keras_serializable(package="keras_musictag")
class TimbralConv2D(keras.layers.Conv2D):
    """A `Conv2D` for maps of one channel, (batch, frames, mels, 1), without padding along the mels.

    In training it cuts the mels into windows and makes these the channels: the same sum, whose gradient by the input
    is an ordinary convolution's. Over a single channel TensorFlow takes 4 times as long for that gradient
    (docs/performance.md). In inference the plain convolution is the faster one.
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

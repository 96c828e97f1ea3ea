"""Batch normalisation by TensorFlow's fused operation, where there is one."""

import keras

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

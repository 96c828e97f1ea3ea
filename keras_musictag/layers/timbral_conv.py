"""Convolution of one channel by tall filters, as in MusiCNN's front, quick to train."""

import keras
import numpy as np


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

"""The power spectrogram on `keras.ops`: Kapre's STFT and `Power` in one layer, on every backend."""

import keras


@keras.saving.register_keras_serializable(package="keras_musictag")
class PowerSpectrogram(keras.layers.Layer):
    """Power of an uncentred STFT: (batch, samples) -> (batch, frames, bins, 1).

    Frames are 1 + (samples - window_samples) // hop_samples, bins are window_samples // 2 + 1; the window is
    a periodic Hann.

    Args:
        window_samples: Length of the window and of the FFT.
        hop_samples: Samples from one frame to the next.
    """

    def __init__(self, window_samples: int = 512, hop_samples: int = 256, **kwargs):
        super().__init__(**kwargs)
        self.window_samples = window_samples
        self.hop_samples = hop_samples

    def call(self, waveform):
        real, imaginary = keras.ops.stft(
            waveform, self.window_samples, self.hop_samples, self.window_samples, window="hann", center=False
        )
        return keras.ops.expand_dims(keras.ops.square(real) + keras.ops.square(imaginary), -1)

    def compute_output_shape(self, input_shape):
        batch, samples = input_shape
        frames = None if samples is None else 1 + (samples - self.window_samples) // self.hop_samples
        return batch, frames, self.window_samples // 2 + 1, 1

    def get_config(self):
        return {**super().get_config(), "window_samples": self.window_samples, "hop_samples": self.hop_samples}

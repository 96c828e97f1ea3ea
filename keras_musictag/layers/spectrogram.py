"""Layers from a waveform to a logarithmic power spectrogram: padding, STFT, power and the two usual logarithms.

`PowerSpectrogram` runs on every backend, and equals Kapre's STFT followed by `Power`.
"""

import math

import keras


@keras.saving.register_keras_serializable(package="keras_musictag")
class PadSamples(keras.layers.Layer):
    """Adds samples at both ends: (batch, samples) -> (batch, samples + 2 * padding).

    Args:
        padding: Samples to add at each end.
        mode: "reflect" (mirrored at the end sample, which is not repeated) or "zero".

    Example:
        >>> PadSamples(2)(keras.ops.convert_to_tensor([[1.0, 2.0, 3.0]])).shape[1]
        7
    """

    def __init__(self, padding: int, mode: str = "reflect", **kwargs):
        super().__init__(**kwargs)
        self.padding = padding
        self.mode = mode

    def call(self, waveform):
        mode = "constant" if self.mode == "zero" else self.mode
        return keras.ops.pad(waveform, [[0, 0], [self.padding, self.padding]], mode=mode)

    def compute_output_shape(self, input_shape):
        batch, samples = input_shape
        return batch, None if samples is None else samples + 2 * self.padding

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "mode": self.mode}


@keras.saving.register_keras_serializable(package="keras_musictag")
class Power(keras.layers.Layer):
    """Squared magnitude of a complex spectrogram, of any shape.

    Kapre's `Magnitude` takes a square root, which a power spectrogram would have to undo.

    Example:
        >>> float(Power()(keras.ops.convert_to_tensor(3.0 + 4.0j, dtype="complex64")))
        25.0
    """

    def call(self, spectrum):
        return keras.ops.square(keras.ops.real(spectrum)) + keras.ops.square(keras.ops.imag(spectrum))

    def compute_output_spec(self, spectrum):
        return keras.KerasTensor(spectrum.shape, dtype="float32")


@keras.saving.register_keras_serializable(package="keras_musictag")
class PowerSpectrogram(keras.layers.Layer):
    """Power of an uncentred STFT: (batch, samples) -> (batch, frames, bins, 1).

    There are 1 + (samples - window_samples) // hop_samples frames and window_samples // 2 + 1 bins. The window is a
    periodic Hann window.

    Args:
        window_samples: Length of the window and of the FFT, in samples.
        hop_samples: Distance between frames, in samples.

    Example:
        >>> tuple(PowerSpectrogram()(keras.ops.zeros((2, 16000))).shape)
        (2, 61, 257, 1)
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


@keras.saving.register_keras_serializable(package="keras_musictag")
class Decibel(keras.layers.Layer):
    """10 * log10(max(power, floor_power)). It is not clamped below the loudest value: chunks do not affect each other.

    Args:
        floor_power: Smallest power before the logarithm; 1e-10 makes digital silence -100 dB.

    Example:
        >>> [round(float(decibels)) for decibels in Decibel()(keras.ops.convert_to_tensor([1.0, 0.1, 0.0]))]
        [0, -10, -100]
    """

    def __init__(self, floor_power: float = 1e-10, **kwargs):
        super().__init__(**kwargs)
        self.floor_power = floor_power

    def call(self, power):
        return 10.0 * keras.ops.log10(keras.ops.maximum(power, self.floor_power))

    def get_config(self):
        return {**super().get_config(), "floor_power": self.floor_power}


@keras.saving.register_keras_serializable(package="keras_musictag")
class LogGain(keras.layers.Layer):
    """log10(1 + gain * power): 0 for silence, close to a logarithm for music.

    Args:
        gain: Factor for the power; 10,000 in Pons et al. (2018).

    Example:
        >>> [round(float(value), 3) for value in LogGain(gain=9.0)(keras.ops.convert_to_tensor([0.0, 1.0]))]
        [0.0, 1.0]
    """

    def __init__(self, gain: float = 10000.0, **kwargs):
        super().__init__(**kwargs)
        self.gain = gain

    def call(self, power):
        return keras.ops.log1p(self.gain * power) / math.log(10.0)

    def get_config(self):
        return {**super().get_config(), "gain": self.gain}

"""The two logarithms of the field: decibel, and log10(1 + gain * power)."""

import math

import keras


@keras.saving.register_keras_serializable(package="keras_musictag")
class Decibel(keras.layers.Layer):
    """10 * log10(max(power, floor_power)), with no clamp below the loudest value: chunks do not affect each other.

    Args:
        floor_power: Smallest power before the logarithm; 1e-10 makes digital silence -100 dB.
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
    """log10(1 + gain * power): zero for silence, a logarithm for music.

    Args:
        gain: What power is multiplied by; 10,000 in Pons et al. (2018).
    """

    def __init__(self, gain: float = 10000.0, **kwargs):
        super().__init__(**kwargs)
        self.gain = gain

    def call(self, power):
        return keras.ops.log1p(self.gain * power) / math.log(10.0)

    def get_config(self):
        return {**super().get_config(), "gain": self.gain}

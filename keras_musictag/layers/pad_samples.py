"""Padding of a waveform on both sides, by reflection or with zeros."""

import keras


@keras.saving.register_keras_serializable(package="keras_musictag")
class PadSamples(keras.layers.Layer):
    """Adds samples at both ends: (batch, samples) -> (batch, samples + 2 * padding).

    Args:
        padding: Samples to add at each end.
        mode: "reflect" (mirrored about the end sample, which is not repeated) or "zero".
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

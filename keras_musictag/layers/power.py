"""Power of a complex spectrum."""

import keras


@keras.saving.register_keras_serializable(package="keras_musictag")
class Power(keras.layers.Layer):
    """Squared magnitude of a complex spectrogram, of any shape.

    Kapre's `Magnitude` takes a square root that a power spectrogram would square again.
    """

    def call(self, spectrum):
        return keras.ops.square(keras.ops.real(spectrum)) + keras.ops.square(keras.ops.imag(spectrum))

    def compute_output_spec(self, spectrum):
        return keras.KerasTensor(spectrum.shape, dtype="float32")

"""The mel matrix on `keras.ops`: Kapre's `ApplyFilterbank`, on every backend."""

import keras
import librosa
import numpy as np


@keras.saving.register_keras_serializable(package="keras_musictag")
class MelFilterbank(keras.layers.Layer):
    """Sums power into mel bands: (batch, frames, bins, 1) -> (batch, frames, mels, 1).

    Args:
        sample_rate_hz: Of the waveform behind the spectrogram.
        num_mels: Bands.
        fmin_hz, fmax_hz: Lowest and highest frequency of the bands.
        htk: True for the HTK mel scale, False for Slaney's.
        norm: None for triangles of unit peak, "slaney" for triangles of unit area.
    """

    def __init__(self, sample_rate_hz, num_mels, fmin_hz, fmax_hz, htk, norm, **kwargs):
        super().__init__(**kwargs)
        self.sample_rate_hz = sample_rate_hz
        self.num_mels = num_mels
        self.fmin_hz = fmin_hz
        self.fmax_hz = fmax_hz
        self.htk = htk
        self.norm = norm

    def build(self, input_shape):
        window_samples = 2 * (input_shape[2] - 1)
        self.matrix = mel_matrix(
            self.sample_rate_hz, window_samples, self.num_mels, self.fmin_hz, self.fmax_hz, self.htk, self.norm
        )

    def call(self, power):
        bands = keras.ops.matmul(power[..., 0], self.matrix)
        return keras.ops.expand_dims(bands, -1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], self.num_mels, 1)

    def get_config(self):
        return {
            **super().get_config(),
            "sample_rate_hz": self.sample_rate_hz,
            "num_mels": self.num_mels,
            "fmin_hz": self.fmin_hz,
            "fmax_hz": self.fmax_hz,
            "htk": self.htk,
            "norm": self.norm,
        }


def mel_matrix(
    sample_rate_hz: int,
    window_samples: int,
    num_mels: int,
    fmin_hz: float,
    fmax_hz: float,
    htk: bool,
    norm: str | None,
) -> np.ndarray:
    """The triangles, float32 (bins, mels). Arguments are those of `MelFilterbank`; `window_samples` is the FFT's."""
    matrix = librosa.filters.mel(
        sr=sample_rate_hz, n_fft=window_samples, n_mels=num_mels, fmin=fmin_hz, fmax=fmax_hz, htk=htk, norm=norm
    )
    return matrix.T.astype(np.float32)

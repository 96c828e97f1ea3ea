"""Filterbanks that sum a power spectrum into bands: mel bands, and bands around the harmonics of pitches.

Both run on every backend, through `keras.ops`. `MelFilterbank` does what Kapre's `ApplyFilterbank` does on TensorFlow.
"""

import keras
import librosa
import numpy as np


@keras.saving.register_keras_serializable(package="keras_musictag")
class MelFilterbank(keras.layers.Layer):
    """Sums power into mel bands: (batch, frames, bins, 1) -> (batch, frames, mels, 1).

    Args:
        sample_rate_hz: Sample rate of the waveform, Hz.
        num_mels: Number of bands.
        fmin_hz, fmax_hz: Lowest and highest frequency of the bands, Hz.
        htk: True for the HTK mel scale, False for Slaney's.
        norm: None for triangles of unit peak, "slaney" for triangles of unit area.

    Example:
        >>> bands = MelFilterbank(16000, num_mels=96, fmin_hz=0, fmax_hz=8000, htk=True, norm=None)
        >>> tuple(bands(keras.ops.ones((1, 61, 257, 1))).shape)
        (1, 61, 96, 1)
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
    """Returns the triangles, float32 (bins, mels).

    Arguments are those of `MelFilterbank`; `window_samples` is the length of the FFT.
    """
    matrix = librosa.filters.mel(
        sr=sample_rate_hz, n_fft=window_samples, n_mels=num_mels, fmin=fmin_hz, fmax=fmax_hz, htk=htk, norm=norm
    )
    return matrix.T.astype(np.float32)


# bandwidth of human hearing, in Hz: ALPHA * frequency + BETA (Won et al., 2020, equation 2)
BANDWIDTH_ALPHA = 0.1079
BANDWIDTH_BETA_HZ = 24.7


@keras.saving.register_keras_serializable(package="keras_musictag")
class HarmonicFilterbank(keras.layers.Layer):
    """Sums power around harmonics: (batch, frames, bins, 1) -> (batch, frames, pitches, harmonics).

    The filters are triangles. The layer has one weight, `q`, which divides the bandwidth of all filters. A filter that
    is narrower than the distance between two bins may be empty.

    Args:
        sample_rate_hz: Sample rate of the waveform, Hz.
        pitches_hz: Fundamental frequencies, lowest first, Hz.
        num_harmonics: Number of harmonics; 1 means the fundamental alone.
        initial_q: Value of `q` before training.

    Example:
        >>> bands = HarmonicFilterbank(16000, pitches_hz=(110, 220, 440), num_harmonics=6)
        >>> tuple(bands(keras.ops.ones((1, 61, 257, 1))).shape)
        (1, 61, 3, 6)
    """

    def __init__(self, sample_rate_hz, pitches_hz, num_harmonics=6, initial_q=1.0, **kwargs):
        super().__init__(**kwargs)
        self.sample_rate_hz = sample_rate_hz
        self.pitches_hz = tuple(float(hz) for hz in pitches_hz)
        self.num_harmonics = num_harmonics
        self.initial_q = initial_q

    def build(self, input_shape):
        pitches = np.array(self.pitches_hz)
        # (harmonics * pitches,), harmonic by harmonic, in the order of the published weights
        self.center_hz = np.concatenate([h * pitches for h in range(1, self.num_harmonics + 1)]).astype(np.float32)
        self.bin_hz = np.linspace(0, self.sample_rate_hz / 2, input_shape[2], dtype=np.float32)
        self.q = self.add_weight(
            shape=(1,), initializer=keras.initializers.Constant(self.initial_q), dtype="float32", name="q"
        )

    def matrix(self):
        """Returns the filters (bins, harmonics * pitches): triangles of unit peak, `bandwidth_hz` wide at the base."""
        distance_hz = np.abs(self.bin_hz[:, None] - self.center_hz[None, :])
        bandwidth_hz = keras.ops.divide(BANDWIDTH_ALPHA * self.center_hz + BANDWIDTH_BETA_HZ, self.q)
        return keras.ops.relu(1.0 - keras.ops.divide(2.0 * distance_hz, bandwidth_hz))

    def call(self, power):
        _, frames, _, _ = power.shape
        bands = keras.ops.matmul(power[..., 0], self.matrix())
        bands = keras.ops.reshape(bands, (-1, frames, self.num_harmonics, len(self.pitches_hz)))
        return keras.ops.transpose(bands, (0, 1, 3, 2))  # (batch, frames, pitches, harmonics)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], len(self.pitches_hz), self.num_harmonics)

    def get_config(self):
        return {
            **super().get_config(),
            "sample_rate_hz": self.sample_rate_hz,
            "pitches_hz": self.pitches_hz,
            "num_harmonics": self.num_harmonics,
            "initial_q": self.initial_q,
        }

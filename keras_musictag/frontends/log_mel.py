"""Log-mel front end: STFT, power, mel bands and logarithm, in float32 under every dtype policy."""

from dataclasses import dataclass

from keras_musictag.frontends._stft import decibel, power_spectrogram
from keras_musictag.layers.filterbanks import MelFilterbank
from keras_musictag.layers.spectrogram import LogGain

CHOICES = {
    "mel_scale": ("htk", "slaney"),
    "mel_norm": (None, "slaney"),
    "padding": ("reflect", "zero", "none"),
    "compression": ("decibel", "log_gain"),
}


@dataclass(frozen=True)
class Config:
    """What the log-mel front end computes. Part of a weight's identity: never change a released default.

    The defaults are those of the 2020 evaluation (Won et al., "Evaluation of CNN-based automatic music tagging
    models", SMC 2020).

    Attributes:
        sample_rate_hz: Sample rate of the waveform, Hz.
        window_samples: Length of the periodic Hann window and of the FFT.
        hop_samples: Distance between frames, in samples.
        num_mels: Number of mel bands.
        fmin_hz, fmax_hz: Lowest and highest frequency of the bands, Hz.
        mel_scale: "htk" or "slaney".
        mel_norm: None for triangles of unit peak, "slaney" for triangles of unit area.
        padding: "reflect" or "zero" centres the frames by adding half a window at both ends. "none" adds nothing, for
            chunks that include their context (`audio.Chunking`).
        compression: "decibel" for 10 log10(max(power, floor_power)), "log_gain" for log10(1 + gain power).
        floor_power: Smallest power before the logarithm: digital silence is -100 dB. Only for "decibel".
        gain: Factor for the power. Only for "log_gain".
    """

    sample_rate_hz: int = 16000
    window_samples: int = 512
    hop_samples: int = 256
    num_mels: int = 96
    fmin_hz: float = 0.0
    fmax_hz: float = 8000.0
    mel_scale: str = "htk"
    mel_norm: str | None = None
    padding: str = "reflect"
    compression: str = "decibel"
    floor_power: float = 1e-10
    gain: float = 10000.0

    def __post_init__(self):
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"`{name}` must be one of {known}. Received: {getattr(self, name)!r}.")
        if not 0 < self.hop_samples <= self.window_samples:
            raise ValueError(
                "`hop_samples` must be between 1 and `window_samples`. Received: "
                f"hop_samples={self.hop_samples}, window_samples={self.window_samples}."
            )
        if not 0 <= self.fmin_hz < self.fmax_hz <= self.sample_rate_hz / 2:
            raise ValueError(
                "`fmin_hz` < `fmax_hz` must both be between 0 and half the sample rate. Received: "
                f"fmin_hz={self.fmin_hz}, fmax_hz={self.fmax_hz}, sample_rate_hz={self.sample_rate_hz}."
            )


def apply(waveform, config: Config, implementation: str):
    """Adds the front end to a network.

    Args:
        waveform: Float tensor (batch, samples), in [-1, 1].
        config: A `Config`.
        implementation: "kapre" or "portable".

    Returns:
        Float32 tensor (batch, frames, mels, 1). If the frames are centred, there are 1 + samples // hop_samples.
    """
    power = power_spectrogram(waveform, config, implementation, "log_mel")
    bands = (_kapre_bands if implementation == "kapre" else _portable_bands)(config)(power)
    if config.compression == "decibel":
        return decibel(bands, config.floor_power, implementation, "log_mel_compression")
    return LogGain(config.gain, dtype="float32", name="log_mel_compression")(bands)


def _kapre_bands(config):
    import kapre  # loads TensorFlow, which the portable implementation does not need

    matrix = {
        "sample_rate": config.sample_rate_hz,
        "n_freq": config.window_samples // 2 + 1,
        "n_mels": config.num_mels,
        "f_min": config.fmin_hz,
        "f_max": config.fmax_hz,
        "htk": config.mel_scale == "htk",
        "norm": config.mel_norm,
    }
    return kapre.ApplyFilterbank("mel", matrix, data_format="channels_last", dtype="float32", name="log_mel_bands")


def _portable_bands(config):
    return MelFilterbank(
        config.sample_rate_hz,
        config.num_mels,
        config.fmin_hz,
        config.fmax_hz,
        htk=config.mel_scale == "htk",
        norm=config.mel_norm,
        dtype="float32",
        name="log_mel_bands",
    )

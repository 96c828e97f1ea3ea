"""The log-mel front end in NumPy, for exported models that take its features: no TensorFlow, no librosa."""

from typing import Any

import numpy as np

BANDS_FILE = "mel_bands.npy"  # float32 (bins, mels), beside a model that takes log-mel
PAD_MODES = {"reflect": "reflect", "zero": "constant"}


def log_mel(waveforms: np.ndarray, config: dict[str, Any], bands: np.ndarray) -> np.ndarray:
    """What `frontends.log_mel` computes, the same within float32 round-off.

    Args:
        waveforms: Float32 (batch, samples), in [-1, 1].
        config: A `frontends.log_mel.Config`, as plain data.
        bands: Float32 (bins, mels), the mel matrix.

    Returns:
        Float32 (batch, frames, mels, 1).

    Example:
        >>> config = {"window_samples": 4, "hop_samples": 2, "padding": "none", "compression": "log_gain", "gain": 1.0}
        >>> log_mel(np.zeros((1, 8), np.float32), config, np.ones((3, 2), np.float32)).shape
        (1, 3, 2, 1)
    """
    window = config["window_samples"]
    if config["padding"] != "none":
        ends = (window // 2, window // 2)
        waveforms = np.pad(waveforms, ((0, 0), ends), mode=PAD_MODES[config["padding"]])
    frames = np.lib.stride_tricks.sliding_window_view(waveforms, window, axis=1)[:, :: config["hop_samples"]]
    hann = np.hanning(window + 1)[:-1].astype(np.float32)  # periodic
    power = np.abs(np.fft.rfft(frames * hann)) ** 2
    mels = power.astype(np.float32) @ bands
    if config["compression"] == "decibel":
        features = 10 * np.log10(np.maximum(mels, config["floor_power"]))
    else:
        features = np.log1p(config["gain"] * mels) / np.log(10.0)
    return features[..., None].astype(np.float32)

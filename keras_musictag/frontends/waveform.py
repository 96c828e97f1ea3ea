"""Waveform front end: the waveform itself with a channel axis, for the sample-level networks."""

from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Config:
    """Settings of the front end, which computes nothing: only the sample rate that the network was made for, Hz."""

    sample_rate_hz: int = 16000


def apply(waveform, config: Config, implementation: str):
    """Adds the channel axis: (batch, samples) -> (batch, samples, 1). Both implementations are the same."""
    return keras.layers.Reshape((waveform.shape[1], 1), name="waveform_channel")(waveform)

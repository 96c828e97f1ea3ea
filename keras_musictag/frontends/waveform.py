"""No spectrogram: the waveform itself, with a channel axis. For the sample-level networks."""

from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Config:
    """What the front end computes: nothing. It states the sample rate that the network was made for."""

    sample_rate_hz: int = 16000


def apply(waveform, config: Config, implementation: str):
    """Adds the channel axis: (batch, samples) -> (batch, samples, 1). Both implementations are one."""
    return keras.layers.Reshape((waveform.shape[1], 1), name="waveform_channel")(waveform)

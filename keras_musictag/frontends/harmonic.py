"""Harmonic front end: power around six harmonics of 128 pitches, in decibels, with filters whose width is learnt.

Source: Won et al., "Data-driven harmonic filters for audio representation learning", ICASSP 2020.
Differs from its source: nothing. Both implementations use the same layer with the weight.
"""

from dataclasses import dataclass

import numpy as np

from keras_musictag.frontends._stft import decibel, power_spectrogram
from keras_musictag.layers.filterbanks import HarmonicFilterbank

LOWEST_MIDI = 24  # C1
A4_MIDI, A4_HZ = 69, 440.0


@dataclass(frozen=True)
class Config:
    """What the harmonic front end computes. Part of a weight's identity: never change a released default.

    Attributes:
        sample_rate_hz: Sample rate of the waveform, Hz.
        window_samples: Length of the periodic Hann window and of the FFT.
        hop_samples: Distance between frames, in samples.
        padding: As in `log_mel`.
        num_harmonics: Number of harmonics of each pitch; the first is the fundamental.
        steps_per_semitone: Pitches per semitone, from C1 to the highest note whose last harmonic is below half the
            sample rate.
        floor_power: Smallest power before the logarithm: digital silence is -100 dB.
    """

    sample_rate_hz: int = 16000
    window_samples: int = 512
    hop_samples: int = 256
    padding: str = "reflect"
    num_harmonics: int = 6
    steps_per_semitone: int = 2
    floor_power: float = 1e-10

    def pitches_hz(self) -> np.ndarray:
        """Returns the fundamental frequencies, float64 (pitches,): by default 128, from 32.7 to 1281 Hz."""
        highest_hz = self.sample_rate_hz / (2 * self.num_harmonics)
        highest_midi = round(A4_MIDI + 12 * np.log2(highest_hz / A4_HZ))
        steps = (highest_midi - LOWEST_MIDI) * self.steps_per_semitone
        midi = np.linspace(LOWEST_MIDI, highest_midi, steps + 1)[:-1]
        return A4_HZ * 2.0 ** ((midi - A4_MIDI) / 12)


def apply(waveform, config: Config, implementation: str):
    """Adds the front end to a network.

    Args:
        waveform: Float tensor (batch, samples), in [-1, 1].
        config: A `Config`.
        implementation: "kapre" or "portable".

    Returns:
        Float32 tensor (batch, frames, pitches, harmonics).
    """
    power = power_spectrogram(waveform, config, implementation, "harmonic")
    bands = HarmonicFilterbank(
        config.sample_rate_hz,
        config.pitches_hz(),
        config.num_harmonics,
        dtype="float32",
        name="harmonic_filterbank",
    )(power)
    return decibel(bands, config.floor_power, implementation, "harmonic_decibel")

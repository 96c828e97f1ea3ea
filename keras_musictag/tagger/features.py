"""What an architecture's front end makes of a whole track, to be stored in records."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_musictag import architectures, frontends
from keras_musictag.frontends import log_mel
from keras_musictag.layers.keras_settings import own_settings

BLOCK_FRAMES = 4096  # at most so many frames at once: a two-hour track would take gigabytes
PAD_MODES = {"reflect": "reflect", "zero": "constant"}


@dataclass(frozen=True)
class ClipFeatures:
    """Makes the log-mel features of whole tracks: a `records.writing.shard.FeatureMaker`.

    Args:
        architecture: Whose front end, such as "musicnn".

    Raises:
        UnknownNameError: If there is no such architecture.
        ValueError: If its front end is not log-mel: waveforms and harmonic tensors are not stored.

    Example:
        >>> features_of = ClipFeatures("fcn").load()
        >>> features_of(np.zeros(16000, np.float32)).shape
        (63, 96)
    """

    architecture: str

    def __post_init__(self):
        name = frontends.name_of(architectures.get(self.architecture).FRONTEND)
        if name != "log_mel":
            raise ValueError(
                f"Features can be stored of log-mel front ends. Received: {self.architecture!r}, whose front end is "
                f"{name!r}. Leave features out: it computes them from the stored audio."
            )

    @property
    def config(self) -> log_mel.Config:
        """Of the front end."""
        return architectures.get(self.architecture).FRONTEND

    def to_dict(self) -> dict[str, Any]:
        """Name and config of the front end, as plain data, and the architecture it is of."""
        return {"name": "log_mel", "architecture": self.architecture, "config": dataclasses.asdict(self.config)}

    def load(self) -> Callable[[np.ndarray], np.ndarray]:
        """A function of float32 (samples,) at the config's sample rate that returns float32 (frames, mels).

        It raises ValueError where a track is too short for a frame.
        """
        config = self.config
        waveform = keras.Input((None,), dtype="float32")
        bare = dataclasses.replace(config, padding="none")
        with own_settings():
            features = log_mel.apply(waveform, bare, frontends.choose_implementation())
            network = keras.Model(waveform, features)
        return lambda samples: _features(network, config, samples)


def _features(network: keras.Model, config: log_mel.Config, samples: np.ndarray) -> np.ndarray:
    """Pads the track, then goes over it in blocks of frames, which are as those of the whole."""
    centred = config.padding != "none"
    shortest = config.window_samples // 2 + 1 if centred else config.window_samples
    if len(samples) < shortest:
        raise ValueError(f"The track has {len(samples)} samples; the front end needs at least {shortest}.")
    if centred:
        samples = np.pad(samples, config.window_samples // 2, PAD_MODES[config.padding])
    hop, window = config.hop_samples, config.window_samples
    num_frames = 1 + (len(samples) - window) // hop
    blocks = []
    for begin in range(0, num_frames, BLOCK_FRAMES):
        end = min(begin + BLOCK_FRAMES, num_frames)
        block = samples[None, begin * hop : (end - 1) * hop + window]
        blocks.append(keras.ops.convert_to_numpy(network(block))[0, :, :, 0])
    return np.concatenate(blocks)

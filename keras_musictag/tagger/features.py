"""The features of a whole track, computed by an architecture's front end, to be stored in records."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_musictag import architectures, frontends
from keras_musictag.frontends import log_mel
from keras_musictag.layers.keras_settings import own_settings

BLOCK_FRAMES = 4096  # computed at once: all frames of a two-hour track would take gigabytes
PAD_MODES = {"reflect": "reflect", "zero": "constant"}


@dataclass(frozen=True)
class ClipFeatures:
    """Makes the log-mel features of whole tracks: a `FeatureMaker` for the shards of records.

    Args:
        architecture: The architecture whose front end is used, such as "musicnn".

    Raises:
        UnknownNameError: If the architecture is unknown.
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
                f"Only log-mel features can be stored. Received: {self.architecture!r}, whose front end is "
                f"{name!r}. Omit the features: it computes them from the stored audio."
            )

    @property
    def config(self) -> log_mel.Config:
        """The `Config` of the front end."""
        return architectures.get(self.architecture).FRONTEND

    def to_dict(self) -> dict[str, Any]:
        """The name and config of the front end, as plain data, and the name of the architecture."""
        return {"name": "log_mel", "architecture": self.architecture, "config": dataclasses.asdict(self.config)}

    def load(self) -> Callable[[np.ndarray], np.ndarray]:
        """Returns a function from float32 (samples,), at the config's sample rate, to float32 (frames, mels).

        The function raises ValueError if a track is too short for one frame.
        """
        config = self.config
        waveform = keras.Input((None,), dtype="float32")
        unpadded = dataclasses.replace(config, padding="none")
        with own_settings():
            features = log_mel.apply(waveform, unpadded, frontends.choose_implementation())
            network = keras.Model(waveform, features)
        return lambda samples: _features(network, config, samples)


def _features(network: keras.Model, config: log_mel.Config, samples: np.ndarray) -> np.ndarray:
    """Pads the track and computes it in blocks of frames, with the same result as for the whole track."""
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

"""Scores of the tracks that were heard so far, kept in a file, so that an interrupted evaluation goes on."""

import hashlib
import json
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag.files import whole_file
from keras_musictag.tagger import Tagger
from keras_musictag.zoo.weights import arrays_of

SECONDS = 60.0  # from one saved state to the next


def key_of(tagger: Tagger, settings: Mapping[str, Any]) -> str:
    """A hash of a network, its weights and what it is asked: other scores have another key."""
    digest = hashlib.sha256(json.dumps([tagger.spec.to_dict(), tagger.precision, settings], sort_keys=True).encode())
    for name, array in sorted(arrays_of(tagger).items()):
        digest.update(name.encode())
        digest.update(np.array(array, order="C").tobytes())
    return digest.hexdigest()


def network_of(tagger: Tagger) -> str:
    """A hash of a network and its weights: what predictions say they are of."""
    return key_of(tagger, {})


class PartialScores:
    """Chunk scores, a float32 (chunks, tags) a track, in order; saved each minute.

    Args:
        path: The file; None keeps nothing.
        key: Of `key_of`. A file with another key is not used.
    """

    def __init__(self, path: Path | None, key: str):
        self.path, self.key = path, key
        self.scores: list[np.ndarray] = self._read()
        self._saved_at = time.monotonic()

    def add(self, scores: np.ndarray) -> None:
        """Takes in a track's scores."""
        self.scores.append(scores)
        if self.path is not None and time.monotonic() - self._saved_at >= SECONDS:
            self.save()

    def save(self) -> None:
        """Writes the file."""
        if self.path is None or not self.scores:
            return
        counts = np.array([len(scores) for scores in self.scores])
        with whole_file(self.path) as scratch:
            np.savez(scratch, key=self.key, scores=np.concatenate(self.scores), counts=counts)
        self._saved_at = time.monotonic()

    def _read(self) -> list[np.ndarray]:
        if self.path is None or not self.path.is_file():
            return []
        try:
            with np.load(self.path, allow_pickle=False) as file:
                if str(file["key"]) != self.key:
                    return []
                return np.split(file["scores"], np.cumsum(file["counts"])[:-1])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return []  # damaged: the tracks are heard again

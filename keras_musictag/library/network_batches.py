"""Runs networks on batches in which chunks of different tracks are mixed, and merges the outputs of each track.

The result of a track is that of `Tagger.tag` and of the mean over `Tagger.embed`, within the rounding of float32.
"""

from dataclasses import dataclass, field

import numpy as np

from keras_musictag.audio.chunking import Chunking
from keras_musictag.tagger.tagging import Tagging
from keras_musictag.tagger.track import BATCH_SECONDS


@dataclass(eq=False)
class MergedOutputs:
    """The sums over the chunks of a track, so that a long track takes no more memory than a short one.

    Attributes:
        sent: How many chunks of the track were put into batches.
        computed: How many of them the network has computed.
    """

    sent: int = 0
    computed: int = 0
    _scores: np.ndarray | float = field(default=0.0, repr=False)
    _embedding: np.ndarray | float = field(default=0.0, repr=False)

    def add(self, scores: np.ndarray, embedding: np.ndarray) -> None:
        """Adds the outputs of one chunk, float32 (tags,) and (features,)."""
        self._scores = self._scores + scores.astype(np.float64)
        self._embedding = self._embedding + embedding.astype(np.float64)
        self.computed += 1

    @property
    def is_complete(self) -> bool:
        """Whether all chunks that were sent are computed."""
        return self.computed == self.sent

    @property
    def scores(self) -> np.ndarray:
        """Mean over the chunks, float32 (tags,)."""
        return (self._scores / self.computed).astype(np.float32)

    @property
    def embedding(self) -> np.ndarray:
        """Mean over the chunks, float32 (features,)."""
        return (self._embedding / self.computed).astype(np.float32)


def batch_chunks(chunking: Chunking) -> int:
    """Number of chunks in a batch, as for a single track."""
    return max(1, round(BATCH_SECONDS * chunking.sample_rate_hz / chunking.chunk_samples))


class NetworkBatches:
    """Collects the chunks for one network, and runs it when there are enough for a batch.

    Args:
        tagger: A `Tagger` or an `EngineTagger`.
    """

    def __init__(self, tagger: Tagging):
        self._tagger, self._batch_chunks = tagger, batch_chunks(tagger.chunking)
        self._waiting: list[tuple[MergedOutputs, np.ndarray]] = []

    def add(self, outputs: MergedOutputs, samples: np.ndarray) -> None:
        """Takes a chunk, float32 (chunk_samples,), whose outputs are to be added to those of its track."""
        outputs.sent += 1
        self._waiting.append((outputs, samples))
        if len(self._waiting) == self._batch_chunks:
            self.flush()

    def flush(self) -> None:
        """Runs the network on the chunks that wait, if any."""
        if not self._waiting:
            return
        merged, chunks = zip(*self._waiting, strict=True)
        self._waiting = []
        scores, embedding = self._tagger.chunk_outputs(np.stack(chunks))
        for outputs, *row in zip(merged, scores, embedding, strict=True):
            outputs.add(*row)

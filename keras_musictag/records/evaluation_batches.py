"""Chunks for evaluation, every track complete and in order; a track's score is the mean of its chunks' scores."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from keras_musictag.audio.samples import to_floats
from keras_musictag.records.crops import cover_starts, cut_at, spread_starts
from keras_musictag.records.examples import StoredAudio
from keras_musictag.records.folder import Records
from keras_musictag.tags.aggregation import aggregate_scores


class EvaluationBatches:
    """The chunks of a part as a sequence of batches. Needs neither TensorFlow nor Keras; both readers use it.

    Args:
        records: An open folder of records.
        part: "train", "valid" or "test".
        chunk_samples: Length of a chunk, samples. Shorter tracks are padded with zeros.
        batch_size: Chunks per batch; the last batch may be smaller.
        chunks: Chunks per track, spread as in the 2020 evaluation (`crops.spread_starts`).
        hop_samples: Instead of `chunks`, the distance between chunks that cover the whole track (`crops.cover_starts`).

    Raises:
        ValueError: If a number is below 1, or the part has no tracks.
        UnknownNameError: If there is no such part.
    """

    def __init__(
        self,
        records: Records,
        part: str = "test",
        *,
        chunk_samples: int,
        batch_size: int,
        chunks: int = 16,
        hop_samples: int | None = None,
    ):
        for name, value in (("chunk_samples", chunk_samples), ("batch_size", batch_size)):
            if value < 1:
                raise ValueError(f"`{name}` must be 1 or more. Received: {value}.")
        self.records, self.chunk_samples, self.batch_size = records, chunk_samples, batch_size
        self.tracks, self.labels = records.part(part), records.labels(part)
        if not self.tracks:
            raise ValueError(f"The part {part!r} of {str(records.folder)!r} has no tracks. Choose another part.")

        def starts_of(num_samples: int) -> np.ndarray:
            if hop_samples is not None:
                return cover_starts(num_samples, chunk_samples, hop_samples)
            return spread_starts(num_samples, chunk_samples, chunks)

        starts = [starts_of(track.num_samples) for track in self.tracks]
        self._rows = np.repeat(np.arange(len(starts)), [len(each) for each in starts])  # the track of each chunk
        self._starts = np.concatenate(starts)
        # a track that spans two batches is decoded once
        self._samples = lru_cache(maxsize=2)(self._read)

    def __len__(self) -> int:
        return -(-len(self._starts) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One batch.

        Returns:
            `(chunks, labels, track_index)`: float32 (batch, chunk_samples), float32 (batch, tags), int64 (batch,).
        """
        if not 0 <= index < len(self):
            raise IndexError(f"There are {len(self)} batches. Received: index {index}.")
        here = slice(index * self.batch_size, (index + 1) * self.batch_size)
        rows, starts = self._rows[here], self._starts[here]
        parts = [cut_at(self._samples(row), starts[rows == row], self.chunk_samples) for row in np.unique(rows)]
        indices = np.array([self.tracks[row].track_index for row in rows], np.int64)
        return to_floats(np.concatenate(parts)), self.labels[rows], indices

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        return (self[index] for index in range(len(self)))

    @property
    def track_index(self) -> np.ndarray:
        """Int64 (chunks,): the track of each chunk, over all batches."""
        return np.array([track.track_index for track in self.tracks], np.int64)[self._rows]

    def _read(self, row: int) -> np.ndarray:
        return StoredAudio.of(self.records.read(self.tracks[row])).pcm()


def average_by_track(scores: np.ndarray, track_index: np.ndarray, how: str = "mean") -> tuple[np.ndarray, np.ndarray]:
    """Chunk scores -> track scores.

    Args:
        scores: Float (chunks, tags), the batches concatenated.
        track_index: Int (chunks,), the track of each chunk.
        how: "mean", "median" or "max", as in `tags.aggregate_scores`.

    Returns:
        `(track_index, scores)`: int (tracks,), ascending and unique, and float32 (tracks, tags).

    Raises:
        ValueError: If the two lengths differ.
        UnknownNameError: If `how` is not one of the three.

    Example:
        >>> tracks, scores = average_by_track(np.array([[0.0], [1.0], [0.2]]), np.array([3, 3, 8]))
        >>> tracks.tolist(), scores.round(2).tolist()
        ([3, 8], [[0.5], [0.20000000298023224]])
    """
    if len(scores) != len(track_index):
        raise ValueError(
            "`scores` and `track_index` must have one row per chunk. "
            f"Received: {len(scores)} scores, {len(track_index)} indices."
        )
    tracks, counts = np.unique(track_index, return_counts=True)
    order = np.argsort(track_index, kind="stable")
    groups = np.split(np.asarray(scores)[order], np.cumsum(counts)[:-1])
    return tracks, np.stack([aggregate_scores(group, how) for group in groups])

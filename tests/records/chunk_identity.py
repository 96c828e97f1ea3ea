"""Identifies the chunks that a reader returned: each must be one of the chunks that are cut here."""

import numpy as np

from keras_musictag.records import Records, StoredAudio
from keras_musictag.records.crops import cut_at, random_starts


def chunks_of(records: Records, track, size: int, seed: int, epoch: int, count: int = 1) -> np.ndarray:
    """The chunks of one track in one epoch, float32 (count, size), cut here from the whole track."""
    samples = StoredAudio.of(records.read(track)).pcm()
    where = {"seed": seed, "epoch": epoch, "track_index": track.track_index}
    starts = random_starts(len(samples), size, k=np.arange(count), **where)
    return cut_at(samples, starts, size).astype(np.float32) / np.float32(32768)


def identify_chunks(
    batches, records: Records, size: int, part="train", seed=0, epoch=0, count=1
) -> list[tuple[int, int]]:
    """Returns (track_index, k) of every example, in order. Checks the labels as well."""
    expected = {}
    for row, track in enumerate(records.part(part)):
        for k, chunk in enumerate(chunks_of(records, track, size, seed, epoch, count)):
            expected[chunk.tobytes()] = (track.track_index, k, records.labels(part)[row].tobytes())
    found = []
    for chunks, labels in batches:
        assert chunks.dtype == labels.dtype == np.float32
        for chunk, label in zip(chunks, labels, strict=True):
            track_index, k, wanted = expected[chunk.tobytes()]
            assert label.tobytes() == wanted
            found.append((track_index, k))
    return found

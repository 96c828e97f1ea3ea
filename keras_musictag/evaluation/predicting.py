"""Scores of the tracks that were heard so far, kept in a file, so that an interrupted evaluation goes on.

What a network costs: its arithmetic for one chunk.

A model hears a part of a dataset: track by track, the same chunks for every model of one length.
"""

import hashlib
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_musictag.audio.samples import to_floats
from keras_musictag.errors import DatasetError
from keras_musictag.evaluation.predictions import Predictions, Source
from keras_musictag.files import remove_scratch, whole_file
from keras_musictag.records.crops import cover_starts, cut_at, spread_starts
from keras_musictag.records.examples import StoredAudio
from keras_musictag.records.folder import Records
from keras_musictag.tagger import Tagger
from keras_musictag.tagger.track import BATCH_SECONDS
from keras_musictag.tags.aggregation import aggregate_scores
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
        remove_scratch(self.path.parent)
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


def multiply_adds(model: keras.Model) -> float:
    """Multiplications (each with an addition) of one chunk in convolutions, products and recurrences.

    The front end is left out; so are normalisation, activation and pooling, as is usual.

    Example:
        >>> inputs = keras.Input((10,))
        >>> multiply_adds(keras.Model(inputs, keras.layers.Dense(3)(inputs)))
        30.0
    """
    return sum(_of_layer(layer) for layer in model.layers)


def _of_layer(layer) -> float:
    kinds = keras.layers
    if isinstance(layer, (kinds.Conv1D, kinds.Conv2D)):
        kernel = layer.kernel.shape
        return float(np.prod(layer.output.shape[1:-1]) * np.prod(kernel))
    if isinstance(layer, kinds.Dense):
        return float(np.prod(layer.output.shape[1:-1]) * np.prod(layer.kernel.shape))
    if isinstance(layer, kinds.GRU):
        steps = layer.input.shape[1]
        return float(steps * sum(np.prod(w.shape) for w in layer.weights if len(w.shape) == 2))
    if isinstance(layer, kinds.MultiHeadAttention):
        steps, features = layer.output.shape[1:]
        return float(
            steps * sum(np.prod(w.shape) for w in layer.weights if len(w.shape) == 3) + 2 * steps**2 * features
        )
    return 0.0


CHUNKS = 16  # of a track, in the 2020 evaluation

Deform = Callable[[np.ndarray, int, int], np.ndarray]


def predict(
    tagger: Tagger,
    records: Records,
    part: str,
    *,
    name: str | None = None,
    chunks: int = CHUNKS,
    hop_seconds: float | None = None,
    deform: Deform | None = None,
    deformation: str = "",
    partial: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Predictions:
    """Scores all tracks of a part. A track's score is the mean of its chunks' scores.

    Args:
        tagger: With the tags of the records, in any order.
        records: An open folder of records.
        part: "train", "valid" or "test".
        name: What tables call the model; None for the tagger's own name.
        chunks: Of each track, spread as in the 2020 evaluation (`records.crops.spread_starts`).
        hop_seconds: Instead of `chunks`, from one chunk to the next, so that the whole track is heard.
        deform: From float32 (samples,) of a whole track, its sample rate in Hz and its track index, to float32
            (samples,) of any length.
        deformation: What `deform` is called, such as "white_noise_0.1".
        partial: A file that keeps the scores so far, so that the same call goes on after an interruption.
        progress: Told how many tracks are done, and of how many.

    Returns:
        `Predictions` with chunk scores; its facts say what a comparison shows beside them.

    Raises:
        DatasetError: If the tagger has other tags than the records, or the part has no tracks.
        RecordsError: If a record is damaged.
    """
    columns = _columns(tagger, records)
    tracks = records.part(part)
    if not tracks:
        raise DatasetError(f"{records.folder} has no tracks in the part {part!r}.")
    size, rate_hz = tagger.spec.chunking.chunk_samples, tagger.sample_rate
    asked = {"records": records.info["plan"], "part": part, "chunks": chunks, "hop": hop_seconds, "what": deformation}
    kept = PartialScores(partial, key_of(tagger, asked) if partial else "")
    run, timed = tagger.runner(), []
    try:
        for done, track in enumerate(tracks[len(kept.scores) :], start=len(kept.scores) + 1):
            heard = _chunks_of(records, track, rate_hz, size, chunks, hop_seconds, deform)
            began = time.perf_counter()
            kept.add(_run_in_batches(run, heard, size / rate_hz)[:, columns])
            timed.append((len(heard), time.perf_counter() - began))
            if progress:
                progress(done, len(tracks))
    finally:
        kept.save()
    all_scores = kept.scores
    counts = [len(scores) for scores in all_scores]
    return Predictions(
        model=name or tagger.name,
        source=Source.of(records.info, part, deformation),
        vocabulary=records.vocabulary,
        track_ids=tuple(track.track_id for track in tracks),
        targets=records.labels(part),
        scores=np.stack([aggregate_scores(scores, "mean") for scores in all_scores]),
        subsets=tuple(track.subset for track in tracks),
        chunk_scores=np.concatenate(all_scores),
        chunk_tracks=np.repeat(np.arange(len(tracks)), counts),
        facts={
            "architecture": tagger.spec.architecture,
            "network": network_of(tagger),
            "precision": tagger.precision,
            "parameters": tagger.count_params(),
            "multiply_adds": multiply_adds(tagger),
            "chunk_seconds": tagger.chunk_seconds,
            "chunks_per_track": chunks if hop_seconds is None else f"every {hop_seconds:g} s",
            "chunks_per_second": _speed(timed[1:]),  # the first call compiles
        },
    )


def _speed(timed: list[tuple[int, float]]) -> float | None:
    """Chunks a second; None where nothing was timed."""
    seconds = sum(took for _, took in timed)
    return round(sum(heard for heard, _ in timed) / seconds, 2) if seconds else None


def _columns(tagger: Tagger, records: Records) -> list[int]:
    """Which of the tagger's outputs each of the records' tags is."""
    mine, theirs = tagger.vocabulary, records.vocabulary
    if not theirs:
        raise DatasetError(
            f"{records.folder} has no labels to compare with: `prepare audio` made it. "
            "Evaluate on records of a dataset with tags."
        )
    if mine is None or set(mine) != set(theirs):
        missing = sorted(set(theirs) - set(mine or ()))
        raise DatasetError(
            f"{tagger.name!r} and {str(records.folder)!r} must have the same tags. The model lacks "
            f"{len(missing)} of {len(theirs)}, such as {', '.join(map(repr, missing[:3])) or 'none'}, and knows "
            f"{len(mine or ())}. Train or fine-tune a model on these records, or evaluate it on its own dataset."
        )
    return [mine.index(tag) for tag in theirs]


def _chunks_of(records, track, rate_hz, size, chunks, hop_seconds, deform) -> np.ndarray:
    """Float32 (chunks, samples) of one track."""
    record = records.read(track)
    samples = to_floats(StoredAudio.of(record).pcm())
    if record.sample_rate_hz != rate_hz:
        raise DatasetError(f"The records are at {record.sample_rate_hz} Hz; expected the model's {rate_hz} Hz.")
    if deform is not None:
        samples = deform(samples, rate_hz, track.track_index)
    if hop_seconds is None:
        starts = spread_starts(len(samples), size, chunks)
    else:
        starts = cover_starts(len(samples), size, round(hop_seconds * rate_hz))
    return cut_at(samples, np.unique(starts), size)  # a track of a chunk's length is heard once, not sixteen times


def _run_in_batches(run, heard: np.ndarray, chunk_seconds: float) -> np.ndarray:
    batch = max(1, int(BATCH_SECONDS / chunk_seconds))
    return np.concatenate([run(heard[i : i + batch]) for i in range(0, len(heard), batch)])

"""Scores the tracks of a part: track by track, with the same chunks for every model of the same chunk length.

`ResumableScores` saves the scores so far, so that an interrupted evaluation can resume. `multiply_adds` states what a
network costs.
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

SAVE_SECONDS = 60.0  # between two writes of the scores so far


def scores_key(tagger: Tagger, settings: Mapping[str, Any]) -> str:
    """A hash of a network, its weights and the settings: different scores have different keys."""
    digest = hashlib.sha256(json.dumps([tagger.spec.to_dict(), tagger.precision, settings], sort_keys=True).encode())
    for name, array in sorted(arrays_of(tagger).items()):
        digest.update(name.encode())
        digest.update(np.array(array, order="C").tobytes())
    return digest.hexdigest()


def network_hash(tagger: Tagger) -> str:
    """A hash of a network and its weights, which predictions state."""
    return scores_key(tagger, {})


class ResumableScores:
    """Chunk scores, one float32 (chunks, tags) array per track, in order; saved every minute.

    Args:
        path: The file; None saves nothing.
        key: Result of `scores_key`. A file with another key is ignored.
    """

    def __init__(self, path: Path | None, key: str):
        self.path, self.key = path, key
        self.scores: list[np.ndarray] = self._read()
        self._saved_at = time.monotonic()

    def add(self, scores: np.ndarray) -> None:
        """Adds the scores of the next track."""
        self.scores.append(scores)
        if self.path is not None and time.monotonic() - self._saved_at >= SAVE_SECONDS:
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
            return []  # damaged: the tracks are scored again


def multiply_adds(model: keras.Model) -> float:
    """Counts the multiplications (each with an addition) of a chunk in convolutions, dense layers, GRUs and attention.

    As usual, normalisation, activation and pooling are left out; so is the front end.

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


CHUNKS = 16  # per track, as in the 2020 evaluation

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
    resume_file: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Predictions:
    """Scores all tracks of a part. The score of a track is the mean of its chunks' scores.

    Args:
        tagger: A tagger with the tags of the records, in any order.
        records: An open folder of records.
        part: "train", "valid" or "test".
        name: The model's name in tables; None for the tagger's own name.
        chunks: Number of chunks per track, spread as in the 2020 evaluation (`records.crops.spread_starts`).
        hop_seconds: Instead of `chunks`: the distance between chunks, which then cover the whole track.
        deform: A function of float32 (samples,) of a whole track, its sample rate in Hz and its track index, which
            returns float32 (samples,) of any length.
        deformation: Name of `deform`, such as "white_noise_0.1".
        resume_file: A file for the scores so far, so that the same call resumes after an interruption; None for none.
        progress: Called with the number of tracks done and the total.

    Returns:
        `Predictions` with chunk scores; their facts are what a comparison shows next to the scores.

    Raises:
        DatasetError: If tagger and records have different tags, or the part has no tracks.
        RecordsError: If a record is damaged.
    """
    columns = _columns(tagger, records)
    tracks = records.part(part)
    if not tracks:
        raise DatasetError(f"{records.folder} has no tracks in the part {part!r}. Choose another part.")
    size, rate_hz = tagger.spec.chunking.chunk_samples, tagger.sample_rate
    asked = {"records": records.info["plan"], "part": part, "chunks": chunks, "hop": hop_seconds, "what": deformation}
    kept = ResumableScores(resume_file, scores_key(tagger, asked) if resume_file else "")
    run, timed = tagger.runner(), []
    try:
        for done, track in enumerate(tracks[len(kept.scores) :], start=len(kept.scores) + 1):
            track_chunks = _chunks_of(records, track, rate_hz, size, chunks, hop_seconds, deform)
            began = time.perf_counter()
            kept.add(_run_in_batches(run, track_chunks, size / rate_hz)[:, columns])
            timed.append((len(track_chunks), time.perf_counter() - began))
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
            "network": network_hash(tagger),
            "precision": tagger.precision,
            "parameters": tagger.count_params(),
            "multiply_adds": multiply_adds(tagger),
            "chunk_seconds": tagger.chunk_seconds,
            "chunks_per_track": chunks if hop_seconds is None else f"every {hop_seconds:g} s",
            "chunks_per_second": _speed(timed[1:]),  # the first call compiles
        },
    )


def _speed(timed: list[tuple[int, float]]) -> float | None:
    """Chunks per second; None if nothing was timed."""
    seconds = sum(took for _, took in timed)
    return round(sum(count for count, _ in timed) / seconds, 2) if seconds else None


def _columns(tagger: Tagger, records: Records) -> list[int]:
    """Returns the index of the tagger's output for each tag of the records."""
    mine, theirs = tagger.vocabulary, records.vocabulary
    if not theirs:
        raise DatasetError(
            f"{records.folder} has no labels to compare with, because `prepare audio` wrote it. "
            "Evaluate on records of a dataset with tags."
        )
    if mine is None or set(mine) != set(theirs):
        missing = sorted(set(theirs) - set(mine or ()))
        examples = f" (such as {', '.join(map(repr, missing[:3]))})" if missing else ""
        raise DatasetError(
            f"{tagger.name!r} and {str(records.folder)!r} must have the same tags. The model has {len(mine or ())} "
            f"tags; {len(missing)} of the {len(theirs)} tags of the records are missing{examples}. Train or fine-tune "
            "a model on these records, or evaluate it on its own dataset."
        )
    return [mine.index(tag) for tag in theirs]


def _chunks_of(records, track, rate_hz, size, chunks, hop_seconds, deform) -> np.ndarray:
    """Float32 (chunks, samples) of one track."""
    record = records.read(track)
    samples = to_floats(StoredAudio.of(record).pcm())
    if record.sample_rate_hz != rate_hz:
        raise DatasetError(
            f"The records have a sample rate of {record.sample_rate_hz} Hz; expected the model's {rate_hz} Hz."
        )
    if deform is not None:
        samples = deform(samples, rate_hz, track.track_index)
    if hop_seconds is None:
        starts = spread_starts(len(samples), size, chunks)
    else:
        starts = cover_starts(len(samples), size, round(hop_seconds * rate_hz))
    return cut_at(samples, np.unique(starts), size)  # a track as long as a chunk is scored once, not sixteen times


def _run_in_batches(run, track_chunks: np.ndarray, chunk_seconds: float) -> np.ndarray:
    batch = max(1, int(BATCH_SECONDS / chunk_seconds))
    return np.concatenate([run(track_chunks[i : i + batch]) for i in range(0, len(track_chunks), batch)])

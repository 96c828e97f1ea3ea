"""The batches of a training run, from any step of an epoch, and validation on the same chunks in every epoch.

The backend decides which reader of records is used.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from keras_musictag.metrics.ranking import pr_auc, roc_auc
from keras_musictag.records.deformation import Deform
from keras_musictag.records.evaluation_batches import EvaluationBatches, average_by_track
from keras_musictag.records.folder import Records
from keras_musictag.records.keras_dataset import RecordsDataset
from keras_musictag.records.schema import SAMPLE_RATE_HZ
from keras_musictag.tagger import Tagger
from keras_musictag.training.recipe import Recipe
from keras_musictag.training.run_state import Position

Score = Callable[[np.ndarray], np.ndarray]


def mean_loss(targets: np.ndarray, scores: np.ndarray) -> float:
    """Binary cross-entropy, mean over chunks and tags, clipped at 1e-7 like `keras.losses.BinaryCrossentropy`.

    Example:
        >>> round(mean_loss(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])), 4)
        0.6931
    """
    scores = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    return float(-np.mean(targets * np.log(scores) + (1 - targets) * np.log(1 - scores)))


def score_chunks(score: Score, batches: Iterable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores all batches of an evaluation pipeline with `score`, such as `Tagger.runner()`, which uses current weights.

    Returns:
        Float32 (chunks, tags) scores and targets, and int64 (chunks,) track indices.
    """
    scores, targets, tracks = [], [], []
    for chunks, labels, indices in batches:
        scores.append(score(chunks))
        targets.append(np.asarray(labels))
        tracks.append(np.asarray(indices))
    return np.concatenate(scores), np.concatenate(targets), np.concatenate(tracks)


VALIDATION_SECONDS = 60.0  # of audio per batch: the inputs of the networks range from 3 to 29 s


@dataclass(frozen=True)
class Feed:
    """The batches of a run.

    Attributes:
        records: An open folder of records.
        recipe: The recipe, for batch size, crops and seed.
        chunk_samples: Length of the network's input.
        drop_remainder: Whether to leave out the last, smaller batch of an epoch: one of several devices might get
            nothing of it.
    """

    records: Records
    recipe: Recipe
    chunk_samples: int
    drop_remainder: bool = False

    @cached_property
    def examples(self) -> int:
        """Number of chunks per epoch."""
        return len(self.records.part("train")) * self.recipe.chunks_per_track

    @property
    def steps(self) -> int:
        """Number of batches per epoch."""
        size = self.recipe.batch_size
        return self.examples // size if self.drop_remainder else -(-self.examples // size)

    def batches_until(self, step: int) -> float:
        """Returns how many full batches the first steps of an epoch contain."""
        return min(step, self.examples / self.recipe.batch_size)

    def batches(self, position: Position) -> Any:
        """Returns the rest of the epoch, for `fit`. On TensorFlow, an earlier result then gives this epoch, too."""
        if keras.backend.backend() != "tensorflow":
            dataset = RecordsDataset(self.records, "train", epoch=position.epoch, **self._settings())
            return _RestOfEpoch(dataset, position.step)
        self._epoch.assign(position.epoch)
        return self._graph_batches(position.step) if position.step else self._whole_epoch

    def _settings(self) -> dict[str, Any]:
        """Returns the arguments for either reader of records."""
        return {
            "chunk_samples": self.chunk_samples,
            "batch_size": self.recipe.batch_size,
            "seed": self.recipe.seed,
            "chunks_per_track": self.recipe.chunks_per_track,
            "mixup_alpha": self.recipe.mixup_alpha,
            "deform": Deform(self.recipe.deform_probability) if self.recipe.deform_probability else None,
        }

    @cached_property
    def _epoch(self) -> Any:
        """A variable with the number of the epoch, so that one pipeline serves all epochs: building one takes time."""
        import tensorflow as tf

        with tf.device("CPU"):
            return tf.Variable(0, dtype=tf.int64, trainable=False)

    @cached_property
    def _whole_epoch(self) -> Any:
        return self._graph_batches(first_step=0)

    def _graph_batches(self, first_step: int) -> Any:
        from keras_musictag.records.tf_data.pipeline import train_pipeline

        settings, teaching = self._settings(), self.recipe.teaching
        if teaching:
            settings["chunk_samples"] = teaching.alterations.crop_samples(self.chunk_samples)
        dataset = train_pipeline(
            self.records, "train", epoch=self._epoch, drop_remainder=self.drop_remainder, **settings
        )
        return self._altered(dataset, first_step) if teaching else dataset.skip(first_step)

    def _altered(self, dataset: Any, first_step: int) -> Any:
        from keras_musictag.records.tf_data.alteration import alter

        def alter_batch(step, batch):
            return alter(
                batch[0],
                self.recipe.teaching.alterations,
                self.chunk_samples,
                SAMPLE_RATE_HZ,
                seed=self.recipe.seed,
                epoch=self._epoch,
                step=step,
            ), batch[1]

        return dataset.enumerate().skip(first_step).map(alter_batch).prefetch(2)

    @contextmanager
    def naming_damage(self) -> Iterator[None]:
        """Makes errors about damaged records name the shard, whichever reader finds the damage."""
        if keras.backend.backend() != "tensorflow":
            yield
            return
        from keras_musictag.records.tf_data.pipeline import naming_damage

        with naming_damage(self.records):
            yield


class _RestOfEpoch(keras.utils.PyDataset):
    """The batches of an epoch, starting with number `first`."""

    def __init__(self, batches: RecordsDataset, first: int):
        super().__init__()
        self._batches, self._first = batches, first

    def __len__(self) -> int:
        return len(self._batches) - self._first

    def __getitem__(self, index: int):
        return self._batches[self._first + index]


def validation_batches(feed: Feed, model: Tagger) -> EvaluationBatches:
    """Returns the chunks of the validation part, the same in each epoch."""
    seconds = feed.chunk_samples / model.sample_rate
    return EvaluationBatches(
        feed.records,
        "valid",
        chunk_samples=feed.chunk_samples,
        batch_size=max(1, int(VALIDATION_SECONDS / seconds)),
        chunks=feed.recipe.validation_chunks,
    )


def make_validation(feed: Feed, model: Tagger) -> Callable[[], dict[str, float]]:
    """Makes a function that measures the model's current weights: loss over chunks, and macro AUCs over tracks."""
    score, batches = model.runner(), validation_batches(feed, model)

    def measure() -> dict[str, float]:
        scores, targets, track_index = score_chunks(score, batches)
        loss = mean_loss(targets, scores)
        if not np.isfinite(loss):
            return {"val_loss": loss, "val_roc_auc": np.nan, "val_pr_auc": np.nan}
        _, track_targets = average_by_track(targets, track_index)
        _, track_scores = average_by_track(scores, track_index)
        track_targets = track_targets > 0.5
        return {
            "val_loss": loss,
            "val_roc_auc": roc_auc(track_targets, track_scores).macro,
            "val_pr_auc": pr_auc(track_targets, track_scores).macro,
        }

    return measure

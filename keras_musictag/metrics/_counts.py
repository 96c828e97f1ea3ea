"""Decisions at thresholds, counted: what MCC and F1 are made of."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_musictag.metrics._checks import check_targets_and_scores, check_thresholds, check_tracks, check_weights
from keras_musictag.metrics.result import MetricResult


@dataclass(frozen=True, eq=False)
class Counts:
    """How many rows were decided how; arrays of one shape, such as (tags, weightings).

    Attributes:
        hits: The tag applies and was said to.
        false_alarms: It was said to, but does not.
        misses: It applies, but was not said to.
        rejections: Neither.
    """

    hits: np.ndarray
    false_alarms: np.ndarray
    misses: np.ndarray
    rejections: np.ndarray

    @property
    def both_classes(self) -> np.ndarray:
        """True where the targets have both classes."""
        return (self.hits + self.misses > 0) & (self.false_alarms + self.rejections > 0)

    def pooled(self) -> "Counts":
        """The counts of all tags together."""
        return Counts(*(part.sum(axis=0) for part in (self.hits, self.false_alarms, self.misses, self.rejections)))


@dataclass(frozen=True, eq=False)
class Decisions:
    """Each track's counts, float64 (tracks, tags); attributes as in `Counts`."""

    by_track: Counts

    @classmethod
    def of(cls, targets, scores, thresholds, tracks, num_tracks: int) -> "Decisions":
        """Decides that a tag applies where its score is its threshold or above."""
        said = scores >= thresholds
        kinds = (targets & said, ~targets & said, targets & ~said, ~targets & ~said)
        totals = [np.zeros((num_tracks, targets.shape[1])) for _ in kinds]
        for total, kind in zip(totals, kinds, strict=True):
            np.add.at(total, tracks, kind)
        return cls(Counts(*totals))

    def measure(self, functions: dict[str, Callable], weights: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Functions of `Counts` under weightings (tracks, weightings): name -> (per tag, micro), as `Rankings` does."""
        tracks = self.by_track
        parts = (tracks.hits, tracks.false_alarms, tracks.misses, tracks.rejections)
        counts = Counts(*(part.T @ weights for part in parts))
        pooled = counts.pooled()
        return {name: (function(counts), function(pooled)) for name, function in functions.items()}


def decision_metric(function: Callable, targets, scores, thresholds, weights, tracks) -> MetricResult:
    """One metric under one weighting, arguments checked."""
    targets, scores = check_targets_and_scores(targets, scores)
    thresholds = check_thresholds(thresholds, targets.shape[1])
    tracks = check_tracks(tracks, len(targets))
    num_tracks = int(tracks.max()) + 1
    weights = check_weights(weights, num_tracks)
    decisions = Decisions.of(targets, scores, thresholds, tracks, num_tracks)
    per_tag, micro = decisions.measure({"metric": function}, weights)["metric"]
    return MetricResult.of(per_tag[:, 0], micro[0])

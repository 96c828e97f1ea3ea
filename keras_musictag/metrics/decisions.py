"""Metrics of decisions at thresholds, and the choice of thresholds.

A model decides that a tag applies if its score is at or above the threshold of the tag. Thresholds are chosen on
validation scores, never on test scores.

- MCC, the Matthews correlation coefficient: the correlation of decisions and targets, from -1 to 1.
- F1: the harmonic mean of precision and recall, from 0 to 1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_musictag.errors import UnknownNameError
from keras_musictag.metrics.conventions import (
    MetricResult,
    check_targets_and_scores,
    check_thresholds,
    check_tracks,
    check_weights,
)


@dataclass(frozen=True, eq=False)
class Counts:
    """How many decisions of each kind there are: arrays of one shape, such as (tags, weightings).

    Attributes:
        hits: The tag applies, and so it was decided (true positives).
        false_alarms: It was decided that the tag applies, but it does not (false positives).
        misses: The tag applies, but it was decided that it does not (false negatives).
        rejections: The tag does not apply, and so it was decided (true negatives).
    """

    hits: np.ndarray
    false_alarms: np.ndarray
    misses: np.ndarray
    rejections: np.ndarray

    @property
    def both_classes(self) -> np.ndarray:
        """True where a tag applies to some rows and not to others."""
        return (self.hits + self.misses > 0) & (self.false_alarms + self.rejections > 0)

    def pooled(self) -> "Counts":
        """The counts summed over all tags."""
        return Counts(*(part.sum(axis=0) for part in (self.hits, self.false_alarms, self.misses, self.rejections)))


@dataclass(frozen=True, eq=False)
class Decisions:
    """The counts of each track, float64 (tracks, tags) in each attribute of `Counts`."""

    by_track: Counts

    @classmethod
    def of(cls, targets, scores, thresholds, tracks, num_tracks: int) -> "Decisions":
        """Decides that a tag applies where its score is at or above its threshold."""
        decided = scores >= thresholds
        kinds = (targets & decided, ~targets & decided, targets & ~decided, ~targets & ~decided)
        totals = [np.zeros((num_tracks, targets.shape[1])) for _ in kinds]
        for total, kind in zip(totals, kinds, strict=True):
            np.add.at(total, tracks, kind)
        return cls(Counts(*totals))

    def measure(self, functions: dict[str, Callable], weights: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Applies functions of `Counts` under weightings (tracks, weightings); returns name -> (per tag, micro)."""
        tracks = self.by_track
        parts = (tracks.hits, tracks.false_alarms, tracks.misses, tracks.rejections)
        counts = Counts(*(part.T @ weights for part in parts))
        pooled = counts.pooled()
        return {name: (function(counts), function(pooled)) for name, function in functions.items()}


def decision_metric(function: Callable, targets, scores, thresholds, weights, tracks) -> MetricResult:
    """Checks the arguments and computes one metric under one weighting."""
    targets, scores = check_targets_and_scores(targets, scores)
    thresholds = check_thresholds(thresholds, targets.shape[1])
    tracks = check_tracks(tracks, len(targets))
    num_tracks = int(tracks.max()) + 1
    weights = check_weights(weights, num_tracks)
    decisions = Decisions.of(targets, scores, thresholds, tracks, num_tracks)
    per_tag, micro = decisions.measure({"metric": function}, weights)["metric"]
    return MetricResult.of(per_tag[:, 0], micro[0])


def mcc(
    targets: np.ndarray,
    scores: np.ndarray,
    thresholds: np.ndarray | float,
    weights: np.ndarray | None = None,
    tracks: np.ndarray | None = None,
) -> MetricResult:
    """`(TP TN - FP FN) / sqrt((TP + FP) (TP + FN) (TN + FP) (TN + FN))`; 0 if all decisions are the same.

    Args:
        targets: Bool (rows, tags), True where the tag applies.
        scores: Float (rows, tags), on any increasing scale.
        thresholds: Float (tags,), or one number for all tags; a tag is decided to apply at this score or above.
        weights: Float (tracks,), how often each track counts; by default, once.
        tracks: Int (rows,), the track of each row, if rows are chunks; by default, each row is a track.

    Returns:
        The values per tag, macro and micro, and how many tags have no value.

    Raises:
        ValueError: If the shapes differ, targets are not 0 or 1, a score or threshold is not finite, or weights are
            negative.

    Source:
        Matthews, Comparison of the predicted and observed secondary structure of T4 phage lysozyme, 1975.

    Example:
        >>> mcc([[1], [0], [1], [0]], [[0.9], [0.8], [0.7], [0.1]], 0.75).macro
        0.0
    """
    return decision_metric(correlation, targets, scores, thresholds, weights, tracks)


def correlation(counts: Counts) -> np.ndarray:
    """Returns MCC for each entry of the counts; NaN where the targets have only one class."""
    decided = counts.hits + counts.false_alarms
    not_decided = counts.misses + counts.rejections
    positives = counts.hits + counts.misses
    negatives = counts.false_alarms + counts.rejections
    spread = np.sqrt(decided * not_decided) * np.sqrt(positives * negatives)  # two roots, so that no product overflows
    cross = counts.hits * counts.rejections - counts.false_alarms * counts.misses
    values = np.divide(cross, spread, out=np.zeros_like(spread), where=spread > 0)
    return np.where(counts.both_classes, values, np.nan)


def f1(
    targets: np.ndarray,
    scores: np.ndarray,
    thresholds: np.ndarray | float,
    weights: np.ndarray | None = None,
    tracks: np.ndarray | None = None,
) -> MetricResult:
    """`2 TP / (2 TP + FP + FN)`.

    Args:
        targets: Bool (rows, tags), True where the tag applies.
        scores: Float (rows, tags), on any increasing scale.
        thresholds: Float (tags,), or one number for all tags; a tag is decided to apply at this score or above.
        weights: Float (tracks,), how often each track counts; by default, once.
        tracks: Int (rows,), the track of each row, if rows are chunks; by default, each row is a track.

    Returns:
        The values per tag, macro and micro, and how many tags have no value.

    Raises:
        ValueError: If the shapes differ, targets are not 0 or 1, a score or threshold is not finite, or weights are
            negative.

    Source:
        van Rijsbergen, Information Retrieval, 1979, chapter 7.

    Example:
        >>> f1([[1], [0], [1], [0]], [[0.9], [0.8], [0.7], [0.1]], 0.75).macro
        0.5
    """
    return decision_metric(harmonic_mean, targets, scores, thresholds, weights, tracks)


def harmonic_mean(counts: Counts) -> np.ndarray:
    """Returns F1 for each entry of the counts; NaN where the targets have only one class."""
    total = 2 * counts.hits + counts.false_alarms + counts.misses
    values = np.divide(2 * counts.hits, total, out=np.zeros_like(total), where=total > 0)
    return np.where(counts.both_classes, values, np.nan)


CRITERIA = {"mcc": correlation, "f1": harmonic_mean}
FALLBACK_THRESHOLD = 0.5
TIE = 1e-12  # candidates whose values differ by less than this are tied


@dataclass(frozen=True, eq=False)
class Thresholds:
    """One threshold per tag.

    Attributes:
        values: Float64 (tags,).
        chosen: Bool (tags,); False where the validation targets have only one class, and the threshold is 0.5.
        criterion: "mcc" or "f1", the metric that was maximised.

    Example:
        >>> thresholds = choose_thresholds([[1, 0], [0, 0]], [[0.75, 0.5], [0.25, 0.25]])
        >>> thresholds.values.tolist(), thresholds.chosen.tolist()
        ([0.5, 0.5], [True, False])
    """

    values: np.ndarray
    chosen: np.ndarray
    criterion: str


def choose_thresholds(targets: np.ndarray, scores: np.ndarray, criterion: str = "mcc") -> Thresholds:
    """Chooses the threshold of each tag that maximises MCC or F1 on these rows.

    The candidates are halfway between neighbouring distinct scores, so that no score is exactly at a threshold, and the
    lowest score. Of several equally good candidates, the highest is chosen, which predicts the tag least often.

    Args:
        targets: Bool (rows, tags), of the validation part.
        scores: Float (rows, tags).
        criterion: "mcc" or "f1".

    Returns:
        The thresholds, and which of them were chosen.

    Raises:
        UnknownNameError: If there is no such criterion.
        ValueError: If the shapes differ, targets are not 0 or 1, or a score is not finite.

    Example:
        >>> choose_thresholds([[1], [1], [0], [0]], [[0.9], [0.7], [0.4], [0.1]]).values
        array([0.55])
    """
    if criterion not in CRITERIA:
        raise UnknownNameError.of("criterion", criterion, CRITERIA)
    targets, scores = check_targets_and_scores(targets, scores)
    chosen = targets.any(axis=0) & ~targets.all(axis=0)
    values = np.full(targets.shape[1], FALLBACK_THRESHOLD)
    for tag in np.flatnonzero(chosen):
        values[tag] = _best(targets[:, tag], scores[:, tag], CRITERIA[criterion])
    return Thresholds(values, chosen, criterion)


def _best(targets: np.ndarray, scores: np.ndarray, function) -> float:
    order = np.argsort(-scores, kind="stable")
    targets, scores = targets[order], scores[order]
    last = np.append(np.diff(scores) != 0, True)  # the last row of each distinct score
    hits, decided = np.cumsum(targets)[last].astype(np.float64), (np.flatnonzero(last) + 1).astype(np.float64)
    misses = targets.sum() - hits
    values = function(Counts(hits, decided - hits, misses, len(scores) - decided - misses))
    upper = scores[last]
    lower = np.append(upper[1:], upper[-1])
    middle = (upper + lower) / 2
    candidates = np.where(middle > lower, middle, upper)  # neighbouring floats have none between them
    return float(candidates[np.argmax(values >= values.max() - TIE)])

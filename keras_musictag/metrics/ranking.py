"""Metrics of rankings, which need no threshold.

- ROC-AUC: how often a positive is scored above a negative; a tie counts half.
- PR-AUC: the area under the precision-recall curve, by the trapezoidal rule.
- Average precision: the precision at each positive, weighted by the recall that it adds; no interpolation.

Scores are sorted once and then evaluated under any number of weightings of the tracks. All three metrics need only the
total weight of positives and of negatives at each step from the highest score down. Equal scores are one step.
Neighbouring scores without a positive are joined into one step: recall does not change there, so they are one straight
line on both curves. This leaves at most two steps per positive, and a thousand weightings take one sparse product,
(steps, tracks) x (tracks, weightings), and sums over few steps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from keras_musictag.metrics.conventions import MetricResult, check_targets_and_scores, check_tracks, check_weights

ELEMENTS_AT_ONCE = 4_000_000  # of a (steps, weightings) array: 32 MB; a few such arrays exist at a time


@dataclass(frozen=True, eq=False)
class Curve:
    """The total weight at each step, highest scores first.

    Attributes:
        positives: Float64 (steps, weightings), of rows where the tag applies.
        negatives: Float64 (steps, weightings), of the other rows.
    """

    positives: np.ndarray
    negatives: np.ndarray

    @cached_property
    def hits(self) -> np.ndarray:
        """The weight of positives at each step and all steps above it."""
        return self.positives.cumsum(axis=0)

    @cached_property
    def precision(self) -> np.ndarray:
        """Share of positives among all rows at a step or above it; 1 if these rows have no weight."""
        total = self.hits + self.negatives.cumsum(axis=0)
        return np.divide(self.hits, total, out=np.ones_like(total), where=total > 0)


@dataclass(frozen=True, eq=False)
class Ranking:
    """A list of scores, sorted into steps.

    Attributes:
        positives, negatives: Sparse (steps, tracks), how many rows of a track are in a step.
    """

    positives: csr_array
    negatives: csr_array

    @classmethod
    def of(cls, targets: np.ndarray, scores: np.ndarray, tracks: np.ndarray, num_tracks: int) -> "Ranking":
        """Sorts a list: bool targets, float scores and the track of each row, all (rows,)."""
        order = np.argsort(-scores, kind="stable")
        targets, tracks = targets[order], tracks[order]
        new_score = np.diff(scores[order], prepend=np.inf) != 0
        group = np.cumsum(new_score) - 1  # index of the distinct score, from 0
        has_positive = np.bincount(group, weights=targets) > 0
        new_step = has_positive | np.append(True, has_positive[:-1])
        step = (np.cumsum(new_step) - 1)[group]
        shape = (int(step[-1]) + 1, num_tracks)

        def count(rows):
            return csr_array((np.ones(rows.sum()), (step[rows], tracks[rows])), shape=shape)

        return cls(count(targets), count(~targets))

    def measure(
        self, functions: dict[str, Callable[[Curve], np.ndarray]], weights: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Applies functions of a `Curve` under weightings (tracks, weightings); returns name -> (weightings,)."""
        size = max(8, ELEMENTS_AT_ONCE // self.positives.shape[0])
        blocks = [weights[:, start : start + size] for start in range(0, weights.shape[1], size)]
        curves = (Curve(self.positives @ block, self.negatives @ block) for block in blocks)
        parts = [{name: function(curve) for name, function in functions.items()} for curve in curves]
        return {name: np.concatenate([part[name] for part in parts]) for name in functions}


@dataclass(frozen=True, eq=False)
class Rankings:
    """The ranking of each tag, and the ranking of all pairs of row and tag."""

    tags: list[Ranking]
    pooled: Ranking

    @classmethod
    def of(cls, targets: np.ndarray, scores: np.ndarray, tracks: np.ndarray, num_tracks: int) -> "Rankings":
        """Sorts bool targets and scores, both (rows, tags)."""
        columns = range(targets.shape[1])
        tags = [Ranking.of(targets[:, i], scores[:, i], tracks, num_tracks) for i in columns]
        everywhere = np.repeat(tracks, targets.shape[1])
        return cls(tags, Ranking.of(targets.ravel(), scores.ravel(), everywhere, num_tracks))

    def measure(self, functions, weights) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Like `Ranking.measure`, but returns name -> (per tag (tags, weightings), micro (weightings,))."""
        tags = [ranking.measure(functions, weights) for ranking in self.tags]
        pooled = self.pooled.measure(functions, weights)
        return {name: (np.stack([tag[name] for tag in tags]), pooled[name]) for name in functions}


def ranking_metric(function: Callable[[Curve], np.ndarray], targets, scores, weights, tracks) -> MetricResult:
    """Checks the arguments and computes one metric under one weighting."""
    targets, scores = check_targets_and_scores(targets, scores)
    tracks = check_tracks(tracks, len(targets))
    num_tracks = int(tracks.max()) + 1
    weights = check_weights(weights, num_tracks)
    per_tag, micro = Rankings.of(targets, scores, tracks, num_tracks).measure({"metric": function}, weights)["metric"]
    return MetricResult.of(per_tag[:, 0], micro[0])


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Returns a quotient that is NaN where the denominator is 0, without a warning."""
    out = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    return np.divide(numerator, denominator, out=out, where=denominator > 0)


def roc_auc(
    targets: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None, tracks: np.ndarray | None = None
) -> MetricResult:
    """Computes the area under the receiver operating characteristic curve.

    Args:
        targets: Bool (rows, tags), True where the tag applies.
        scores: Float (rows, tags), on any increasing scale.
        weights: Float (tracks,), how often each track counts; by default, once.
        tracks: Int (rows,), the track of each row, if rows are chunks; by default, each row is a track.

    Returns:
        The values per tag, macro and micro, and how many tags have no value.

    Raises:
        ValueError: If the shapes differ, targets are not 0 or 1, a score is not finite, or weights are negative.

    Source:
        Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27, 2006, section 7.

    Example:
        >>> roc_auc([[1], [0], [1]], [[0.9], [0.8], [0.7]]).macro
        0.5
    """
    return ranking_metric(area, targets, scores, weights, tracks)


def area(curve: Curve) -> np.ndarray:
    """Returns the area under the ROC curve, (weightings,); NaN where there is only one class."""
    above = curve.hits - curve.positives / 2  # positives above a negative, and half of those at the same step
    pairs = curve.positives.sum(axis=0) * curve.negatives.sum(axis=0)
    return ratio((curve.negatives * above).sum(axis=0), pairs)


def pr_auc(
    targets: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None, tracks: np.ndarray | None = None
) -> MetricResult:
    """Sums `(recall[k] - recall[k - 1]) * (precision[k - 1] + precision[k]) / 2` over the steps k.

    The curve begins at recall 0 with precision 1. A straight line joins the precision before a positive and the
    precision at it, so the area is smaller than average precision. With many equal scores, however, it is too large
    (Davis and Goadrich).

    Args:
        targets: Bool (rows, tags), True where the tag applies.
        scores: Float (rows, tags), on any increasing scale.
        weights: Float (tracks,), how often each track counts; by default, once.
        tracks: Int (rows,), the track of each row, if rows are chunks; by default, each row is a track.

    Returns:
        The values per tag, macro and micro, and how many tags have no value.

    Raises:
        ValueError: If the shapes differ, targets are not 0 or 1, a score is not finite, or weights are negative.

    Source:
        Davis and Goadrich, The relationship between precision-recall and ROC curves, ICML 2006. The value
        equals scikit-learn's `auc` of `precision_recall_curve`.

    Example:
        >>> pr_auc([[1], [0], [1]], [[0.9], [0.8], [0.7]]).macro  # 1/2 * (1 + 1)/2 + 1/2 * (1/2 + 2/3)/2
        0.7916666666666666
    """
    return ranking_metric(trapezoids, targets, scores, weights, tracks)


def trapezoids(curve: Curve) -> np.ndarray:
    """Returns the area under the precision-recall curve, (weightings,); NaN where there is only one class."""
    precision = curve.precision
    before = np.concatenate([np.ones_like(precision[:1]), precision[:-1]])
    total = curve.positives.sum(axis=0)
    both = (total > 0) & (curve.negatives.sum(axis=0) > 0)
    return ratio((curve.positives * (before + precision)).sum(axis=0) / 2, np.where(both, total, 0))


def average_precision(
    targets: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None, tracks: np.ndarray | None = None
) -> MetricResult:
    """Sums `(recall[k] - recall[k - 1]) * precision[k]` over the steps k of the precision-recall curve.

    This equals scikit-learn's `average_precision_score`, and the 2020 evaluation (Won et al.) reports it as PR-AUC.

    Args:
        targets: Bool (rows, tags), True where the tag applies.
        scores: Float (rows, tags), on any increasing scale.
        weights: Float (tracks,), how often each track counts; by default, once.
        tracks: Int (rows,), the track of each row, if rows are chunks; by default, each row is a track.

    Returns:
        The values per tag, macro and micro, and how many tags have no value.

    Raises:
        ValueError: If the shapes differ, targets are not 0 or 1, a score is not finite, or weights are negative.

    Source:
        Manning, Raghavan and Schuetze, Introduction to Information Retrieval, 2008, section 8.4.

    Example:
        >>> average_precision([[1], [0], [1]], [[0.9], [0.8], [0.7]]).macro  # 1/2 * 1 + 1/2 * 2/3
        0.8333333333333333
    """
    return ranking_metric(step_sum, targets, scores, weights, tracks)


def step_sum(curve: Curve) -> np.ndarray:
    """Returns the average precision, (weightings,); NaN where there is only one class."""
    total = curve.positives.sum(axis=0)
    both = (total > 0) & (curve.negatives.sum(axis=0) > 0)
    return ratio((curve.positives * curve.precision).sum(axis=0), np.where(both, total, 0))

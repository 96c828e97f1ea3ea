"""Average precision: precision at each positive, summed by the recall it adds. No straight lines between the points."""

import numpy as np

from keras_musictag.metrics._ranking import Curve, ranking_metric, ratio
from keras_musictag.metrics.result import MetricResult


def average_precision(
    targets: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None, tracks: np.ndarray | None = None
) -> MetricResult:
    """Sum over the steps k of the precision-recall curve: `(recall[k] - recall[k - 1]) * precision[k]`.

    This is scikit-learn's `average_precision_score`, and what the 2020 evaluation (Won et al.) prints as PR-AUC.

    Args:
        targets: Bool (rows, tags), True where the tag applies.
        scores: Float (rows, tags), on any increasing scale.
        weights: Float (tracks,), how often each track counts; once each by default.
        tracks: Int (rows,), the track of each row, where rows are chunks; by default each row is a track.

    Returns:
        Per tag, macro and micro, and how many tags have no value.

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
    """The sum for each weighting, (weightings,); NaN where there is one class only."""
    total = curve.positives.sum(axis=0)
    both = (total > 0) & (curve.negatives.sum(axis=0) > 0)
    return ratio((curve.positives * curve.precision).sum(axis=0), np.where(both, total, 0))

"""PR-AUC: the area under the precision-recall curve, by trapezoids."""

import numpy as np

from keras_musictag.metrics._ranking import Curve, ranking_metric, ratio
from keras_musictag.metrics.result import MetricResult


def pr_auc(
    targets: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None, tracks: np.ndarray | None = None
) -> MetricResult:
    """Sum over the steps k: `(recall[k] - recall[k - 1]) * (precision[k - 1] + precision[k]) / 2`.

    The curve begins at recall 0 with precision 1. A straight line joins the precision before a positive with that at
    it, so the area is below average precision, unless many scores are equal: then it flatters (Davis and Goadrich).

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
        Davis and Goadrich, The relationship between precision-recall and ROC curves, ICML 2006; the same number as
        scikit-learn's `auc` of `precision_recall_curve`.

    Example:
        >>> pr_auc([[1], [0], [1]], [[0.9], [0.8], [0.7]]).macro  # 1/2 * (1 + 1)/2 + 1/2 * (1/2 + 2/3)/2
        0.7916666666666666
    """
    return ranking_metric(trapezoids, targets, scores, weights, tracks)


def trapezoids(curve: Curve) -> np.ndarray:
    """The area for each weighting, (weightings,); NaN where there is one class only."""
    precision = curve.precision
    before = np.concatenate([np.ones_like(precision[:1]), precision[:-1]])
    total = curve.positives.sum(axis=0)
    both = (total > 0) & (curve.negatives.sum(axis=0) > 0)
    return ratio((curve.positives * (before + precision)).sum(axis=0) / 2, np.where(both, total, 0))

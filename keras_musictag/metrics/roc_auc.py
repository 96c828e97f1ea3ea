"""ROC-AUC: how often a positive is scored above a negative; a tie counts half."""

import numpy as np

from keras_musictag.metrics._ranking import Curve, ranking_metric, ratio
from keras_musictag.metrics.result import MetricResult


def roc_auc(
    targets: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None, tracks: np.ndarray | None = None
) -> MetricResult:
    """Area under the receiver operating characteristic.

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
        Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27, 2006, section 7.

    Example:
        >>> roc_auc([[1], [0], [1]], [[0.9], [0.8], [0.7]]).macro
        0.5
    """
    return ranking_metric(area, targets, scores, weights, tracks)


def area(curve: Curve) -> np.ndarray:
    """The area under each weighting's curve, (weightings,); NaN where there is one class only."""
    above = curve.hits - curve.positives / 2  # positives above a negative, half of those level
    pairs = curve.positives.sum(axis=0) * curve.negatives.sum(axis=0)
    return ratio((curve.negatives * above).sum(axis=0), pairs)

"""MCC, Matthews correlation coefficient: the correlation of decisions and truth, from -1 to 1."""

import numpy as np

from keras_musictag.metrics._counts import Counts, decision_metric
from keras_musictag.metrics.result import MetricResult


def mcc(
    targets: np.ndarray,
    scores: np.ndarray,
    thresholds: np.ndarray | float,
    weights: np.ndarray | None = None,
    tracks: np.ndarray | None = None,
) -> MetricResult:
    """`(TP TN - FP FN) / sqrt((TP + FP) (TP + FN) (TN + FP) (TN + FN))`; 0 where all decisions are the same.

    Args:
        targets: Bool (rows, tags), True where the tag applies.
        scores: Float (rows, tags), on any increasing scale.
        thresholds: Float (tags,), or one for all; a tag is said to apply where its score is that or above.
        weights: Float (tracks,), how often each track counts; once each by default.
        tracks: Int (rows,), the track of each row, where rows are chunks; by default each row is a track.

    Returns:
        Per tag, macro and micro, and how many tags have no value.

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
    """The coefficient of each entry of the counts; NaN where the targets have one class only."""
    said = counts.hits + counts.false_alarms
    not_said = counts.misses + counts.rejections
    positives = counts.hits + counts.misses
    negatives = counts.false_alarms + counts.rejections
    spread = np.sqrt(said * not_said) * np.sqrt(positives * negatives)  # two roots: no product overflows
    cross = counts.hits * counts.rejections - counts.false_alarms * counts.misses
    values = np.divide(cross, spread, out=np.zeros_like(spread), where=spread > 0)
    return np.where(counts.both_classes, values, np.nan)

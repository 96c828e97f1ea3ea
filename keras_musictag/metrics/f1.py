"""F1: the harmonic mean of precision and recall, from 0 to 1."""

import numpy as np

from keras_musictag.metrics._counts import Counts, decision_metric
from keras_musictag.metrics.result import MetricResult


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
        thresholds: Float (tags,), or one for all; a tag is said to apply where its score is that or above.
        weights: Float (tracks,), how often each track counts; once each by default.
        tracks: Int (rows,), the track of each row, where rows are chunks; by default each row is a track.

    Returns:
        Per tag, macro and micro, and how many tags have no value.

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
    """F1 of each entry of the counts; NaN where the targets have one class only."""
    total = 2 * counts.hits + counts.false_alarms + counts.misses
    values = np.divide(2 * counts.hits, total, out=np.zeros_like(total), where=total > 0)
    return np.where(counts.both_classes, values, np.nan)

"""What every metric takes and returns: the checks of its arguments, and `MetricResult`."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class MetricResult:
    """The value of a metric: per tag, macro and micro.

    Attributes:
        per_tag: Float64 (tags,); NaN for a tag that applies to all rows or to none.
        macro: The mean over the tags that have a value; NaN if no tag has one.
        micro: The metric over all pairs of row and tag as one list; NaN if all pairs are of one class.
        left_out: How many tags have no value and are left out of `macro`.

    Example:
        >>> result = MetricResult.of(np.array([0.5, 1.0, np.nan]), 0.8)
        >>> result.macro, result.left_out
        (0.75, 1)
    """

    per_tag: np.ndarray
    macro: float
    micro: float
    left_out: int

    @classmethod
    def of(cls, per_tag: np.ndarray, micro: float) -> "MetricResult":
        """Makes a result from the values per tag; computes the macro mean and the count."""
        missing = np.isnan(per_tag)
        return cls(per_tag, float(mean_of_known(per_tag)), float(micro), int(missing.sum()))


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """Returns the mean along the first axis without NaN; where all are NaN, NaN without a warning."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return total / known.sum(axis=0)


def check_targets_and_scores(targets: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns bool targets and float64 scores, both (rows, tags); raises ValueError if they are not."""
    targets, scores = np.asarray(targets), np.asarray(scores)
    if targets.ndim != 2 or targets.shape != scores.shape or 0 in targets.shape:
        raise ValueError(
            "`targets` and `scores` must share one shape (rows, tags), with at least one row and one tag. "
            f"Received: targets {targets.shape}, scores {scores.shape}."
        )
    if targets.dtype != bool:
        others = targets[(targets != 0) & (targets != 1)]
        if others.size:
            raise ValueError(f"`targets` must be 0 or 1. Received: {others[0]}. Did you pass the scores first?")
        targets = targets == 1
    scores = _numbers("scores", scores)
    if not np.isfinite(scores).all():
        row, tag = np.argwhere(~np.isfinite(scores))[0]
        raise ValueError(
            f"`scores` must be finite. Received: {scores[row, tag]} in row {row}, tag {tag}. "
            "Did the training of the model diverge?"
        )
    return targets, scores


def check_tracks(tracks: np.ndarray | None, num_rows: int) -> np.ndarray:
    """Returns the track of each row, (rows,) whole numbers from 0; without `tracks`, each row is a track."""
    if tracks is None:
        return np.arange(num_rows)
    tracks = np.asarray(tracks)
    if tracks.shape != (num_rows,) or tracks.dtype.kind not in "iu" or tracks.min() < 0:
        raise ValueError(
            f"`tracks` must be {num_rows} whole numbers, 0 or above, one per row. "
            f"Received: shape {tracks.shape}, dtype {tracks.dtype}."
        )
    return tracks


def check_weights(weights: np.ndarray | None, num_tracks: int) -> np.ndarray:
    """Returns float64 weights (tracks, 1); without `weights`, each track counts once."""
    if weights is None:
        return np.ones((num_tracks, 1))
    weights = _numbers("weights", np.asarray(weights))
    if weights.shape != (num_tracks,):
        raise ValueError(
            f"`weights` must have one number per track, shape ({num_tracks},). Received: shape {weights.shape}."
        )
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.sum() <= 0:
        raise ValueError(
            f"`weights` must be finite, 0 or above, and not all 0. Received: {weights.min()} to {weights.max()}."
        )
    return weights[:, None]


def check_thresholds(thresholds: np.ndarray | float, num_tags: int) -> np.ndarray:
    """Returns float64 thresholds (tags,); a single number applies to every tag."""
    thresholds = _numbers("thresholds", np.asarray(thresholds))
    if thresholds.shape not in ((), (num_tags,)):
        raise ValueError(
            f"`thresholds` must have one number per tag, shape ({num_tags},). Received: shape {thresholds.shape}."
        )
    if not np.isfinite(thresholds).all():
        count = np.count_nonzero(~np.isfinite(thresholds))
        raise ValueError(f"`thresholds` must be finite. Received: {count} of {thresholds.size} are NaN or infinite.")
    return np.broadcast_to(thresholds, (num_tags,))


def _numbers(name: str, values: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "fiub":
        raise ValueError(f"`{name}` must be numbers. Received: dtype {values.dtype}.")
    return values.astype(np.float64)

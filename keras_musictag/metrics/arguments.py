"""What every metric asks of its arguments."""

import numpy as np


def check_targets_and_scores(targets: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns bool targets and float64 scores, both (rows, tags); raises ValueError where they are no such thing."""
    targets, scores = np.asarray(targets), np.asarray(scores)
    if targets.ndim != 2 or targets.shape != scores.shape or 0 in targets.shape:
        raise ValueError(
            "`targets` and `scores` must share one shape (rows, tags) with at least one of each. "
            f"Received: targets {targets.shape}, scores {scores.shape}."
        )
    if targets.dtype != bool:
        odd = targets[(targets != 0) & (targets != 1)]
        if odd.size:
            raise ValueError(f"`targets` must be 0 or 1. Received: {odd[0]}. Did you pass the scores first?")
        targets = targets == 1
    scores = _numbers("scores", scores)
    if not np.isfinite(scores).all():
        row, tag = np.argwhere(~np.isfinite(scores))[0]
        raise ValueError(
            f"`scores` must be finite. Received: {scores[row, tag]} in row {row}, tag {tag}. "
            "Did the model's training diverge?"
        )
    return targets, scores


def check_tracks(tracks: np.ndarray | None, num_rows: int) -> np.ndarray:
    """Returns which track each row is of, (rows,) whole numbers from 0; without `tracks`, each row is one."""
    if tracks is None:
        return np.arange(num_rows)
    tracks = np.asarray(tracks)
    if tracks.shape != (num_rows,) or tracks.dtype.kind not in "iu" or tracks.min() < 0:
        raise ValueError(
            f"`tracks` must be {num_rows} whole numbers from 0 on, a row's track each. "
            f"Received: shape {tracks.shape}, {tracks.dtype}."
        )
    return tracks


def check_weights(weights: np.ndarray | None, num_tracks: int) -> np.ndarray:
    """Returns float64 weights (tracks, 1); without `weights`, each track counts once."""
    if weights is None:
        return np.ones((num_tracks, 1))
    weights = _numbers("weights", np.asarray(weights))
    if weights.shape != (num_tracks,):
        raise ValueError(f"`weights` must be one a track, ({num_tracks},). Received: {weights.shape}.")
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.sum() <= 0:
        raise ValueError("`weights` must be finite, 0 or above, and not all 0.")
    return weights[:, None]


def check_thresholds(thresholds: np.ndarray | float, num_tags: int) -> np.ndarray:
    """Returns float64 thresholds (tags,); a single number is that of every tag."""
    thresholds = _numbers("thresholds", np.asarray(thresholds))
    if thresholds.shape not in ((), (num_tags,)):
        raise ValueError(f"`thresholds` must be one a tag, ({num_tags},). Received: {thresholds.shape}.")
    if not np.isfinite(thresholds).all():
        raise ValueError("`thresholds` must be finite.")
    return np.broadcast_to(thresholds, (num_tags,))


def _numbers(name: str, values: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "fiub":
        raise ValueError(f"`{name}` must be numbers. Received: {values.dtype}.")
    return values.astype(np.float64)

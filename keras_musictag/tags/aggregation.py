"""Merges the scores of chunks into the scores of a track."""

import numpy as np

from keras_musictag.choices import AGGREGATES
from keras_musictag.errors import UnknownNameError


def aggregate_scores(scores: np.ndarray, how: str = "mean") -> np.ndarray:
    """Merges the scores of the chunks of a track.

    Args:
        scores: Float (chunks, tags), from 0 to 1.
        how: "mean" (as in the literature), "median" (a short unusual passage does not count) or "max" (a tag that
            applies anywhere applies to the track).

    Returns:
        Float32 (tags,).

    Raises:
        UnknownNameError: If `how` is not one of the three.

    Example:
        >>> aggregate_scores(np.array([[0.0, 1.0], [1.0, 1.0]])).tolist()
        [0.5, 1.0]
    """
    if how not in AGGREGATES:
        raise UnknownNameError.of("aggregate", how, AGGREGATES)
    return getattr(np, how)(scores, axis=0).astype(np.float32)

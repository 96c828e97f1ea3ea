"""Bootstrap intervals: how much a metric depends on the choice of test tracks, which are resampled with replacement."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from keras_musictag.metrics.conventions import check_targets_and_scores, check_thresholds, check_tracks, mean_of_known
from keras_musictag.metrics.decisions import Decisions, correlation, harmonic_mean
from keras_musictag.metrics.ranking import Rankings, area, step_sum, trapezoids

CURVE_FUNCTIONS = {"roc_auc": area, "pr_auc": trapezoids, "average_precision": step_sum}
COUNT_FUNCTIONS = {"mcc": correlation, "f1": harmonic_mean}
RESAMPLES_AT_ONCE = 128  # their weights for 4,332 tracks fit in the cache of a processor


@dataclass(frozen=True, eq=False)
class Resampled:
    """The values of a metric on each resample.

    Attributes:
        per_tag: Float64 (tags, resamples); NaN where a resample has only one class of a tag.
        macro: Float64 (resamples,), the mean over the tags that have a value in that resample.
        micro: Float64 (resamples,).
    """

    per_tag: np.ndarray
    macro: np.ndarray
    micro: np.ndarray


def resample_weights(num_tracks: int, resamples: int = 1000, seed: int = 0) -> Iterator[np.ndarray]:
    """Yields how often each track is drawn: float64 blocks (tracks, up to 128 resamples), determined by the seed.

    Example:
        >>> sum(block.shape[1] for block in resample_weights(5, resamples=300))
        300
    """
    generator = np.random.default_rng(seed)
    for start in range(0, resamples, RESAMPLES_AT_ONCE):
        draws = [
            generator.integers(num_tracks, size=num_tracks) for _ in range(min(RESAMPLES_AT_ONCE, resamples - start))
        ]
        yield np.stack([np.bincount(draw, minlength=num_tracks) for draw in draws], axis=1).astype(np.float64)


def bootstrap(
    targets: np.ndarray,
    scores: np.ndarray,
    *,
    thresholds: np.ndarray | float | None = None,
    tracks: np.ndarray | None = None,
    resamples: int = 1000,
    seed: int = 0,
    only: Collection[str] = (*CURVE_FUNCTIONS, *COUNT_FUNCTIONS),
) -> dict[str, Resampled]:
    """Computes metrics on resamples of the tracks.

    All chunks of a track are drawn together. Two calls with the same number of tracks, the same number of resamples and
    the same seed draw the same tracks, so the difference between the values of two models is a paired comparison.

    Args:
        targets: Bool (rows, tags).
        scores: Float (rows, tags).
        thresholds: Float (tags,), or one number for all tags; without them, MCC and F1 are not computed.
        tracks: Int (rows,), the track of each row, if rows are chunks; by default, each row is a track.
        resamples: How often the tracks are drawn.
        seed: Seed of the draws.
        only: Names of the metrics to compute; by default, all.

    Returns:
        Values on each resample, by name: "roc_auc", "pr_auc", "average_precision", and with thresholds "mcc" and "f1".

    Raises:
        ValueError: If `resamples` is below 1, `only` leaves nothing to compute, or a metric refuses the arguments.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.

    Example:
        >>> resampled = bootstrap([[1], [0], [1], [0]], [[0.9], [0.8], [0.7], [0.1]], resamples=200)
        >>> low, high = interval(resampled["roc_auc"].macro)
        >>> bool(low < 0.75 <= high)
        True
    """
    if resamples < 1:
        raise ValueError(f"`resamples` must be 1 or more. Received: {resamples}.")
    targets, scores = check_targets_and_scores(targets, scores)
    tracks = check_tracks(tracks, len(targets))
    num_tracks = int(tracks.max()) + 1
    sources = []
    curve_functions = {name: function for name, function in CURVE_FUNCTIONS.items() if name in only}
    if curve_functions:
        sources.append((Rankings.of(targets, scores, tracks, num_tracks), curve_functions))
    count_functions = {name: function for name, function in COUNT_FUNCTIONS.items() if name in only}
    if thresholds is not None and count_functions:
        thresholds = check_thresholds(thresholds, targets.shape[1])
        sources.append((Decisions.of(targets, scores, thresholds, tracks, num_tracks), count_functions))
    if not sources:
        raise ValueError(f"There is nothing to compute: `only` is {tuple(only)}, and MCC and F1 need `thresholds`.")
    blocks = [
        {name: pair for source, functions in sources for name, pair in source.measure(functions, weights).items()}
        for weights in resample_weights(num_tracks, resamples, seed)
    ]
    return {name: _joined([block[name] for block in blocks]) for name in blocks[0]}


def _joined(blocks: list[tuple[np.ndarray, np.ndarray]]) -> Resampled:
    per_tag = np.concatenate([block[0] for block in blocks], axis=1)
    return Resampled(per_tag, mean_of_known(per_tag), np.concatenate([block[1] for block in blocks]))


def interval(values: np.ndarray, level: float = 0.95, around: np.ndarray | float | None = None) -> np.ndarray:
    """Returns the percentile interval of values on resamples, moved so that their median is at the measured value.

    A positive that is drawn twice is next to itself in the ranking, so average precision and PR-AUC are higher on
    resamples than on new tracks of the same kind. If there are few positives, a plain percentile interval does not even
    contain the measured value.

    Args:
        values: Float (..., resamples); NaN is left out.
        level: Share of the resamples inside the interval.
        around: Float (...), the value on the actual tracks; None does not move the interval.

    Returns:
        Float64 (..., 2), low and high; NaN where all values are NaN.

    Raises:
        ValueError: If `level` is not between 0 and 1.

    Example:
        >>> interval(np.arange(101.0), level=0.5).tolist()
        [25.0, 75.0]
        >>> interval(np.arange(101.0), level=0.5, around=40).tolist()
        [15.0, 65.0]
    """
    if not 0 < level < 1:
        raise ValueError(f"`level` must be between 0 and 1. Received: {level}. Did you pass a percentage?")
    values = np.asarray(values, np.float64)
    edges = [(1 - level) / 2, (1 + level) / 2]
    flat = values.reshape(-1, values.shape[-1])
    known = [row[~np.isnan(row)] for row in flat]
    found = [np.quantile(row, edges) if row.size else np.full(2, np.nan) for row in known]
    edges_found = np.stack(found).reshape(*values.shape[:-1], 2)
    if around is None:
        return edges_found
    medians = np.array([np.median(row) if row.size else np.nan for row in known]).reshape(values.shape[:-1])
    return edges_found + (np.asarray(around) - medians)[..., None]

"""The score from which on a tag is said to apply: chosen on validation scores, never on the test's."""

from dataclasses import dataclass

import numpy as np

from keras_musictag.errors import UnknownNameError
from keras_musictag.metrics._checks import check_targets_and_scores
from keras_musictag.metrics._counts import Counts
from keras_musictag.metrics.f1 import harmonic_mean
from keras_musictag.metrics.mcc import correlation

CRITERIA = {"mcc": correlation, "f1": harmonic_mean}
FALLBACK = 0.5
ROUND_OFF = 1e-12  # two candidates whose values differ by less are a tie


@dataclass(frozen=True, eq=False)
class Thresholds:
    """A threshold a tag.

    Attributes:
        values: Float64 (tags,).
        chosen: Bool (tags,); False where the validation targets have one class only: there the threshold is 0.5.
        criterion: "mcc" or "f1", what was made as large as possible.
    """

    values: np.ndarray
    chosen: np.ndarray
    criterion: str


def choose_thresholds(targets: np.ndarray, scores: np.ndarray, criterion: str = "mcc") -> Thresholds:
    """Chooses each tag's threshold so that MCC or F1 on these rows is as large as it can be.

    Candidates lie halfway between neighbouring distinct scores, so that a score on the edge does not decide; the last
    is the lowest score. Of several that are equally good, the highest is taken: the one that says the tag most rarely.

    Args:
        targets: Bool (rows, tags) of the validation part.
        scores: Float (rows, tags).
        criterion: "mcc" or "f1".

    Returns:
        Thresholds, and for which tags there was a choice.

    Raises:
        UnknownNameError: If there is no such criterion.
        ValueError: If the shapes differ, targets are not 0 or 1, or a score is not finite.

    Example:
        >>> choose_thresholds([[1], [1], [0], [0]], [[0.9], [0.7], [0.4], [0.1]]).values
        array([0.55])
    """
    if criterion not in CRITERIA:
        raise UnknownNameError.of("criterion", criterion, CRITERIA)
    targets, scores = check_targets_and_scores(targets, scores)
    chosen = targets.any(axis=0) & ~targets.all(axis=0)
    values = np.full(targets.shape[1], FALLBACK)
    for tag in np.flatnonzero(chosen):
        values[tag] = _best(targets[:, tag], scores[:, tag], CRITERIA[criterion])
    return Thresholds(values, chosen, criterion)


def _best(targets: np.ndarray, scores: np.ndarray, function) -> float:
    order = np.argsort(-scores, kind="stable")
    targets, scores = targets[order], scores[order]
    last = np.append(np.diff(scores) != 0, True)  # the last row of each distinct score
    hits, said = np.cumsum(targets)[last].astype(np.float64), (np.flatnonzero(last) + 1).astype(np.float64)
    misses = targets.sum() - hits
    values = function(Counts(hits, said - hits, misses, len(scores) - said - misses))
    upper = scores[last]
    lower = np.append(upper[1:], upper[-1])
    middle = (upper + lower) / 2
    candidates = np.where(middle > lower, middle, upper)  # no number may lie between two
    return float(candidates[np.argmax(values >= values.max() - ROUND_OFF)])

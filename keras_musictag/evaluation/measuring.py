"""Computes all metrics, each with its interval."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_musictag.metrics.conventions import MetricResult
from keras_musictag.metrics.decisions import f1, mcc
from keras_musictag.metrics.intervals import Resampled, bootstrap, interval
from keras_musictag.metrics.ranking import average_precision, pr_auc, roc_auc

RANKING = {"roc_auc": roc_auc, "pr_auc": pr_auc, "average_precision": average_precision}
DECISION = {"mcc": mcc, "f1": f1}
TITLES = {"roc_auc": "ROC-AUC", "pr_auc": "PR-AUC", "average_precision": "AP", "mcc": "MCC", "f1": "F1"}
VALUE_AND_INTERVAL = ("value", "low", "high")  # the last axis of every array in `Measured`


@dataclass(frozen=True)
class Resampling:
    """How intervals are computed: from `resamples` draws of the tracks by `seed`; they contain the share `level`.

    Example:
        >>> Resampling(resamples=200)
        Resampling(resamples=200, seed=0, level=0.95)
    """

    resamples: int = 1000
    seed: int = 0
    level: float = 0.95


DEFAULT_RESAMPLING = Resampling()


@dataclass(frozen=True, eq=False)
class Measured:
    """One metric with its intervals. The last axis is value, low, high; NaN means "no value".

    Attributes:
        per_tag: Float64 (tags, 3).
        macro: Float64 (3,).
        micro: Float64 (3,).
        left_out: Number of tags with one class only, which macro leaves out.
    """

    per_tag: np.ndarray
    macro: np.ndarray
    micro: np.ndarray
    left_out: int

    @classmethod
    def of(cls, result: MetricResult, resampled: Resampled, level: float, lowest: float = 0.0) -> "Measured":
        """Combines a metric, from `lowest` to 1, with its values on resamples."""

        def joined(value, samples):
            edges = interval(samples, level, around=value).clip(lowest, 1)
            return np.concatenate([np.asarray(value)[..., None], edges], axis=-1)

        known = ~np.isnan(result.per_tag)
        per_tag = joined(result.per_tag, resampled.per_tag)
        return cls(
            np.where(known[:, None], per_tag, np.nan),
            joined(result.macro, resampled.macro),
            joined(result.micro, resampled.micro),
            result.left_out,
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns plain data for JSON; null means "no value"."""
        return {
            "macro": dict(zip(VALUE_AND_INTERVAL, _plain(self.macro), strict=True)),
            "micro": dict(zip(VALUE_AND_INTERVAL, _plain(self.micro), strict=True)),
            "left_out": self.left_out,
            "per_tag": {name: _plain(column) for name, column in zip(VALUE_AND_INTERVAL, self.per_tag.T, strict=True)},
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Measured":
        """Reads the result of `to_dict`."""

        def numbers(part):
            return np.array([data[part][name] for name in VALUE_AND_INTERVAL], dtype=np.float64).T  # None becomes NaN

        return cls(numbers("per_tag"), numbers("macro"), numbers("micro"), int(data["left_out"]))


def _plain(numbers: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in numbers]


def metric_values(
    targets: np.ndarray, scores: np.ndarray, thresholds: np.ndarray | None = None
) -> dict[str, MetricResult]:
    """Computes every metric without intervals; MCC and F1 only if thresholds are given."""
    results = {name: function(targets, scores) for name, function in RANKING.items()}
    if thresholds is not None:
        results |= {name: function(targets, scores, thresholds) for name, function in DECISION.items()}
    return results


def measure(
    targets: np.ndarray,
    scores: np.ndarray,
    tracks: np.ndarray,
    thresholds: np.ndarray | None = None,
    resampling: Resampling = DEFAULT_RESAMPLING,
) -> tuple[dict[str, Measured], int]:
    """Computes every metric and its intervals over tracks.

    Args:
        targets: Bool (rows, tags).
        scores: Float (rows, tags).
        tracks: Int (rows,), the track index of each row.
        thresholds: Float (tags,), for MCC and F1; None to leave these out.
        resampling: How the intervals are computed.

    Returns:
        The metrics by name, and the number of resamples on which a tag has lost one of its classes: their mean is over
        fewer tags.
    """
    results = metric_values(targets, scores, thresholds)
    resampled = bootstrap(
        targets, scores, thresholds=thresholds, tracks=tracks, resamples=resampling.resamples, seed=resampling.seed
    )
    known = ~np.isnan(results["roc_auc"].per_tag)
    incomplete = np.isnan(resampled["roc_auc"].per_tag[known]).any(axis=0).sum()
    measured = {
        name: Measured.of(result, resampled[name], resampling.level, lowest=-1.0 if name == "mcc" else 0.0)
        for name, result in results.items()
    }
    return measured, int(incomplete)

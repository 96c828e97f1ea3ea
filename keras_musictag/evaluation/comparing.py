"""Runs on the same data -> a ranking, and which of its differences are more than chance."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from keras_musictag.errors import UnknownNameError
from keras_musictag.evaluation.measuring import DECISION, TITLES, Resampling
from keras_musictag.evaluation.run_folder import EvaluationRun
from keras_musictag.metrics.intervals import bootstrap, interval


@dataclass(frozen=True)
class Neighbours:
    """A model and the next one in the ranking, compared on the same resamples of the tracks.

    Attributes:
        better, worse: Names of the two models.
        difference, low, high: Difference of their macro values of the ranking metric, with its interval.
        p_value: Two-sided: twice the probability that the resampled difference is on the other side of 0.
        p_holm: The same, corrected for the number of comparisons (Holm).
    """

    better: str
    worse: str
    difference: float
    low: float
    high: float
    p_value: float
    p_holm: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs in one ranking.

    Attributes:
        runs: The runs, best first.
        names: Their names in tables, in the same order.
        metric: The metric whose macro value at track level decides the ranking.
        neighbours: Each model compared with the next one.
    """

    runs: tuple[EvaluationRun, ...] = field(repr=False)
    names: tuple[str, ...]
    metric: str
    neighbours: tuple[Neighbours, ...]

    @property
    def resampling(self) -> Resampling:
        """How all intervals were computed."""
        return self.runs[0].report.resampling


def compare_runs(runs: Sequence[EvaluationRun], metric: str = "pr_auc") -> Comparison:
    """Ranks runs by a metric's macro value at track level, and tests each against the next.

    Args:
        runs: Runs from `read_run`, all on the same data.
        metric: "roc_auc", "pr_auc", "average_precision", "mcc" or "f1".

    Returns:
        The ranking; runs with equal values keep their order.

    Raises:
        UnknownNameError: If there is no such metric.
        ValueError: If the runs are not on the same tracks, tags, split and part, their intervals or thresholds were
            computed in different ways, or a run lacks the metric.
    """
    if metric not in TITLES:
        raise UnknownNameError.of("metric", metric, TITLES)
    if not runs:
        raise ValueError("`runs` must hold at least one run to compare. Received: none.")
    for other in runs[1:]:
        check_same_data(runs[0], other)
    values = np.array([_value(run, metric) for run in runs])
    order = np.argsort(-values, kind="stable")
    ranked = tuple(runs[i] for i in order)
    names = _names(ranked)
    return Comparison(ranked, names, metric, _neighbours(ranked, names, values[order], metric))


def _value(run: EvaluationRun, metric: str) -> float:
    metrics = run.report.group().metrics
    if metric not in metrics:
        raise ValueError(
            f"{str(run.folder)!r} has no {TITLES[metric]}, because it was evaluated without "
            "validation scores. Rank by another metric, or evaluate with a validation part."
        )
    value = float(metrics[metric].macro[0])
    if np.isnan(value):
        raise ValueError(
            f"{str(run.folder)!r} has no macro {TITLES[metric]}: each tag applies to all or none of its "
            "tracks. Evaluate more tracks."
        )
    return value


def check_same_data(first: EvaluationRun, other: EvaluationRun) -> None:
    """Raises ValueError if two runs cannot be compared in one table; the message says how they differ."""
    for name, value in asdict(first.predictions.source).items():
        _check_equal(first, other, name, value, getattr(other.predictions.source, name))
    _check_equal(first, other, "tags", first.predictions.vocabulary.names, other.predictions.vocabulary.names)
    _check_equal(first, other, "tracks", first.predictions.track_ids, other.predictions.track_ids)
    _check_equal(first, other, "subsets", first.predictions.subsets, other.predictions.subsets)
    if not np.array_equal(first.predictions.targets, other.predictions.targets):
        raise ValueError(
            f"{_both(first, other)} cannot be compared: their tracks have different tags. "
            "Compare runs on the same records."
        )
    if first.report.resampling != other.report.resampling:
        raise ValueError(
            f"{_both(first, other)} cannot be compared: their intervals were computed with {first.report.resampling} "
            f"and {other.report.resampling}. Evaluate one of them again."
        )
    one, two = _criterion(first), _criterion(other)
    if one and two and one != two:
        raise ValueError(
            f"{_both(first, other)} cannot be compared: their thresholds maximise {TITLES[one]} and "
            f"{TITLES[two]}. Evaluate one of them again."
        )


def _criterion(run: EvaluationRun) -> str | None:
    thresholds = run.report.levels["track"].thresholds
    return thresholds and thresholds.criterion


def _check_equal(first: EvaluationRun, other: EvaluationRun, name: str, one, two) -> None:
    if one == two:
        return
    if isinstance(one, tuple):  # long lists: say where they begin to differ
        at = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
        one, two = (f"{len(x)}, number {at} is {x[at]!r}" if at < len(x) else f"{len(x)}" for x in (one, two))
    raise ValueError(
        f"{_both(first, other)} cannot be compared: they differ in their {name}, {one or 'none'} and "
        f"{two or 'none'}. Compare runs on the same records."
    )


def _both(first: EvaluationRun, other: EvaluationRun) -> str:
    return f"The runs {str(first.folder)!r} and {str(other.folder)!r}"


def _names(runs: Sequence[EvaluationRun]) -> tuple[str, ...]:
    """Names of the models; runs that share a name also get as much of their folder's path as tells them apart."""
    names = [run.report.model for run in runs]
    shared = {name for name in names if names.count(name) > 1}
    for parts in range(1, 64):
        folders = ["/".join(Path(run.folder).absolute().parts[-parts:]) for run in runs]
        full = [f"{n} ({f})" if n in shared else n for n, f in zip(names, folders, strict=True)]
        if len(set(full)) == len(full):
            return tuple(full)
    raise ValueError("The same run was given twice. Give each run once.")


def _neighbours(
    runs: Sequence[EvaluationRun], names: Sequence[str], values: np.ndarray, metric: str
) -> tuple[Neighbours, ...]:
    if len(runs) < 2:
        return ()
    samples = [_samples(run, metric) for run in runs]
    level = runs[0].report.resampling.level
    rows = []
    for i, (better, worse) in enumerate(pairwise(samples)):
        difference = float(values[i] - values[i + 1])
        differences = better - worse
        low, high = interval(differences, level, around=difference)
        moved = differences + difference - np.nanmedian(differences)
        rows.append((names[i], names[i + 1], difference, low, high, p_value(moved)))
    holm = holm_correction(np.array([row[-1] for row in rows]))
    return tuple(Neighbours(*row[:3], *map(float, row[3:]), float(p)) for row, p in zip(rows, holm, strict=True))


def _samples(run: EvaluationRun, metric: str) -> np.ndarray:
    thresholds = run.report.levels["track"].thresholds if metric in DECISION else None
    resampled = bootstrap(
        run.predictions.targets,
        run.predictions.scores,
        thresholds=thresholds and thresholds.values,
        resamples=run.report.resampling.resamples,
        seed=run.report.resampling.seed,
        only=(metric,),
    )
    return resampled[metric].macro


def p_value(differences: np.ndarray) -> float:
    """Two-sided p-value of resampled differences against 0; at least 2 / (resamples + 1).

    Example:
        >>> p_value(np.array([0.2, 0.1, 0.3, -0.1])), p_value(np.zeros(9))
        (0.8, 1.0)
    """
    differences = differences[~np.isnan(differences)]
    smaller = min((differences <= 0).sum(), (differences >= 0).sum())
    return min(1.0, 2 * (int(smaller) + 1) / (len(differences) + 1))


def holm_correction(p_values: np.ndarray) -> np.ndarray:
    """Corrects p-values for multiple comparisons by Holm's method.

    Source:
        Holm, A simple sequentially rejective multiple test procedure, 1979.

    Example:
        >>> holm_correction(np.array([0.01, 0.04, 0.03])).tolist()
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty_like(p_values)
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return corrected

"""Runs on the same data -> a ranking, and what of it is more than chance."""

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
        better, worse: Their names.
        difference, low, high: Of the ranking metric's macro values, with its interval.
        p_value: Two-sided: how probable it is that the resampled difference lies on the other side of 0, twice.
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
        runs: Best first.
        names: What tables call each, in the same order.
        metric: What they are ranked by: its macro value at track level.
        neighbours: Each with the next.
    """

    runs: tuple[EvaluationRun, ...] = field(repr=False)
    names: tuple[str, ...]
    metric: str
    neighbours: tuple[Neighbours, ...]

    @property
    def resampling(self) -> Resampling:
        """How all intervals were made."""
        return self.runs[0].report.resampling


def compare_runs(runs: Sequence[EvaluationRun], metric: str = "pr_auc") -> Comparison:
    """Ranks runs by a metric's macro value at track level, and tests each against the next.

    Args:
        runs: What `read_run` gave, all on the same data.
        metric: "roc_auc", "pr_auc", "average_precision", "mcc" or "f1".

    Returns:
        The ranking; runs with equal values keep their order.

    Raises:
        UnknownNameError: If there is no such metric.
        ValueError: If the runs are not on the same tracks, tags, split and part, their intervals or thresholds were
            made in different ways, or one has no such metric.
    """
    if metric not in TITLES:
        raise UnknownNameError.of("metric", metric, TITLES)
    if not runs:
        raise ValueError("There are no runs to compare.")
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
        raise ValueError(f"{str(run.folder)!r} has no {TITLES[metric]}: it was evaluated without validation scores.")
    value = float(metrics[metric].macro[0])
    if np.isnan(value):
        raise ValueError(f"{str(run.folder)!r} has no macro {TITLES[metric]}: no tag has both classes in its tracks.")
    return value


def check_same_data(first: EvaluationRun, other: EvaluationRun) -> None:
    """Raises ValueError unless two runs may stand in one table; the message says how they differ."""
    for name, value in asdict(first.predictions.source).items():
        _check_equal(first, other, name, value, getattr(other.predictions.source, name))
    _check_equal(first, other, "tags", first.predictions.vocabulary.names, other.predictions.vocabulary.names)
    _check_equal(first, other, "tracks", first.predictions.track_ids, other.predictions.track_ids)
    _check_equal(first, other, "subsets", first.predictions.subsets, other.predictions.subsets)
    if not np.array_equal(first.predictions.targets, other.predictions.targets):
        raise ValueError(f"{_both(first, other)} cannot stand in one table: the same tracks have other tags.")
    if first.report.resampling != other.report.resampling:
        raise ValueError(
            f"{_both(first, other)} cannot stand in one table: their intervals were made by {first.report.resampling} "
            f"and {other.report.resampling}. Evaluate one of them again."
        )
    one, two = _criterion(first), _criterion(other)
    if one and two and one != two:
        raise ValueError(
            f"{_both(first, other)} cannot stand in one table: their thresholds make {TITLES[one]} and {TITLES[two]} "
            "as large as possible. Evaluate one of them again."
        )


def _criterion(run: EvaluationRun) -> str | None:
    thresholds = run.report.levels["track"].thresholds
    return thresholds and thresholds.criterion


def _check_equal(first: EvaluationRun, other: EvaluationRun, name: str, one, two) -> None:
    if one == two:
        return
    if isinstance(one, tuple):  # long lists: say where they part
        at = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
        one, two = (f"{len(x)}, number {at} is {x[at]!r}" if at < len(x) else f"{len(x)}" for x in (one, two))
    raise ValueError(
        f"{_both(first, other)} cannot stand in one table: they differ in their {name}, {one or 'none'} and "
        f"{two or 'none'}. Compare runs on the same records."
    )


def _both(first: EvaluationRun, other: EvaluationRun) -> str:
    return f"The runs {str(first.folder)!r} and {str(other.folder)!r}"


def _names(runs: Sequence[EvaluationRun]) -> tuple[str, ...]:
    """Models' names; where several runs share one, with the folder's, which is as long as needed to be told apart."""
    names = [run.report.model for run in runs]
    shared = {name for name in names if names.count(name) > 1}
    for parts in range(1, 64):
        folders = ["/".join(Path(run.folder).absolute().parts[-parts:]) for run in runs]
        full = [f"{n} ({f})" if n in shared else n for n, f in zip(names, folders, strict=True)]
        if len(set(full)) == len(full):
            return tuple(full)
    raise ValueError("A run was given twice: compare each with others only.")


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
    """P-values that stay as rare together as each was alone.

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

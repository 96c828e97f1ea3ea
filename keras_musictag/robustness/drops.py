"""Runs of models under conditions -> the drop of each metric, with its interval."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag.evaluation.comparing import check_same_data
from keras_musictag.evaluation.measuring import Resampling
from keras_musictag.evaluation.predictions import Source
from keras_musictag.evaluation.run_folder import EvaluationRun, read_run
from keras_musictag.metrics.intervals import bootstrap, interval
from keras_musictag.robustness.conditions import ORIGINAL

METRICS = ("pr_auc", "roc_auc", "average_precision")


@dataclass(frozen=True)
class Drop:
    """A metric's macro value at track level, and how much lower it is than on the original tracks.

    Attributes:
        model, condition, metric: Their names.
        value, low, high: The value with its interval over tracks.
        drop: The value on the original tracks minus this value; negative if this value is higher.
        drop_low, drop_high: The interval of the drop, with the same resamples of the tracks for both values.
    """

    model: str
    condition: str
    metric: str
    value: float
    low: float
    high: float
    drop: float
    drop_low: float
    drop_high: float


@dataclass(frozen=True, eq=False)
class Robustness:
    """The drops of models under conditions.

    Attributes:
        source: The data that were scored.
        models, conditions: Their names; the first condition is the original.
        drops: The drops by (model, condition, metric).
        facts: What the deformation of each condition depends on.
        tracks, tags, left_out: Number of tracks, of tags, and of tags without a value.
        incomplete_resamples: Number of resamples on which a tag has lost one of its classes.
        resampling: How all intervals were computed.
    """

    source: Source
    models: tuple[str, ...]
    conditions: tuple[str, ...]
    drops: Mapping[tuple[str, str, str], Drop] = field(repr=False)
    facts: Mapping[str, Mapping[str, Any]] = field(repr=False)
    tracks: int
    tags: int
    left_out: int
    incomplete_resamples: int
    resampling: Resampling


def measure_drops(folder: str | os.PathLike, models: Sequence[str], conditions: Sequence[str]) -> Robustness:
    """Computes all drops from the predictions that `measure_robustness` wrote.

    Args:
        folder: Folder with one run folder per model and condition, `<model>/<condition>`.
        models, conditions: Their names; "original" is always added, as the first condition.

    Raises:
        FileNotFoundError: If a run is missing.
        ValueError: If a run is damaged, or the runs are not on the same tracks, tags and split.
    """
    folder = Path(folder)
    conditions = (ORIGINAL, *(name for name in conditions if name != ORIGINAL))
    drops, facts, first = {}, {}, None
    for model in models:
        original = read_run(folder / model / ORIGINAL)
        first = first or original
        check_same_data(first, original)
        of_original = _samples(original)
        for condition in conditions:
            run = original if condition == ORIGINAL else read_run(folder / model / condition)
            _check_same_tracks(original, run)
            facts.setdefault(condition, run.report.facts)
            samples = of_original if run is original else _samples(run)
            for metric in METRICS:
                drops[model, condition, metric] = _drop(model, condition, metric, original, run, of_original, samples)
    group = first.report.group()
    return Robustness(
        source=first.report.source,
        models=tuple(models),
        conditions=conditions,
        drops=drops,
        facts=facts,
        tracks=group.tracks,
        tags=len(first.report.vocabulary),
        left_out=group.metrics["roc_auc"].left_out,
        incomplete_resamples=group.incomplete_resamples,
        resampling=first.report.resampling,
    )


def _samples(run: EvaluationRun) -> dict[str, np.ndarray]:
    """Macro values of each metric on the resamples, which are the same for all runs with equal numbers of tracks."""
    resampling = run.report.resampling
    resampled = bootstrap(
        run.predictions.targets,
        run.predictions.scores,
        resamples=resampling.resamples,
        seed=resampling.seed,
        only=METRICS,
    )
    return {metric: resampled[metric].macro for metric in METRICS}


def _drop(model, condition, metric, original: EvaluationRun, run: EvaluationRun, of_original, samples) -> Drop:
    value, low, high = map(float, run.report.group().metrics[metric].macro)
    difference = float(original.report.group().metrics[metric].macro[0]) - value
    edges = interval(of_original[metric] - samples[metric], run.report.resampling.level, around=difference)
    return Drop(model, condition, metric, value, low, high, difference, *map(float, edges))


def _check_same_tracks(original: EvaluationRun, run: EvaluationRun) -> None:
    """Raises ValueError if two runs differ in more than the deformation."""
    ours, theirs = original.predictions, run.predictions
    same = (
        ours.track_ids == theirs.track_ids
        and ours.vocabulary == theirs.vocabulary
        and np.array_equal(ours.targets, theirs.targets)
        and ours.source.split_sha256 == theirs.source.split_sha256
        and original.report.resampling == run.report.resampling
    )
    if not same:
        raise ValueError(
            f"{str(run.folder)!r} and {str(original.folder)!r} must have the same tracks, tags and resamples. "
            "Delete the older one and run the same command."
        )

"""Predictions of a test part -> a report: all metrics with intervals, for tracks and chunks, and for each subset."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from keras_musictag.evaluation.measuring import DEFAULT_RESAMPLING, Measured, Resampling, measure
from keras_musictag.evaluation.predictions import WHOLE, Predictions, Source
from keras_musictag.metrics.decisions import Thresholds, choose_thresholds
from keras_musictag.tags.vocabulary import Vocabulary

VERSION = 2  # in version 1, intervals were not moved to the value
UNNAMED = "(no subset)"  # name of the group of tracks whose subset is ""


@dataclass(frozen=True, eq=False)
class Group:
    """The metrics of one group of tracks.

    Attributes:
        tracks, rows: Their numbers; rows are tracks or chunks.
        positives: Number of rows that each tag applies to, (tags,).
        metrics: "roc_auc", "pr_auc", "average_precision", and with thresholds "mcc" and "f1".
        incomplete_resamples: Number of resamples on which a tag has lost one of its classes.
    """

    tracks: int
    rows: int
    positives: tuple[int, ...]
    metrics: Mapping[str, Measured]
    incomplete_resamples: int


@dataclass(frozen=True, eq=False)
class Level:
    """The part of a report about tracks or chunks: the thresholds used, or None, and the groups, "all" first."""

    thresholds: Thresholds | None
    groups: Mapping[str, Group]


@dataclass(frozen=True, eq=False)
class Report:
    """How good a model's predictions are.

    Attributes:
        model: Name of the model.
        source: The data that were scored.
        vocabulary: The tags, in the order of all arrays.
        facts: Plain data about the model, as in `Predictions`.
        levels: "track", and "chunk" if there are chunk scores.
        resampling: How the intervals were computed.
        valid_tracks: Number of tracks that the thresholds were chosen on; 0 without thresholds.
    """

    model: str
    source: Source
    vocabulary: Vocabulary
    facts: Mapping[str, Any]
    levels: Mapping[str, Level] = field(repr=False)
    resampling: Resampling
    valid_tracks: int

    @property
    def thresholds(self) -> dict[str, float]:
        """The thresholds of track scores by tag, as in a card; tags whose threshold was not chosen are left out."""
        found = self.levels["track"].thresholds
        if found is None:
            return {}
        rows = zip(self.vocabulary, found.values, found.chosen, strict=True)
        return {tag: float(value) for tag, value, chosen in rows if chosen}

    def group(self, level: str = "track", name: str = WHOLE) -> Group:
        """Returns one group of a level; by default all tracks at track level."""
        return self.levels[level].groups[name]

    def to_dict(self) -> dict[str, Any]:
        """Returns plain data for JSON, which `from_dict` reads."""
        return {
            "version": VERSION,
            "model": self.model,
            "source": asdict(self.source),
            "tags": self.vocabulary.to_list(),
            "facts": dict(self.facts),
            "resampling": asdict(self.resampling),
            "valid_tracks": self.valid_tracks,
            "levels": {name: _level_to_dict(level) for name, level in self.levels.items()},
        }

    def to_json(self) -> str:
        """Returns JSON text in full float64 precision."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Report":
        """Reads the result of `to_dict`.

        Raises:
            ValueError: If it has another version or contains something else.
        """
        if not isinstance(data, Mapping) or data.get("version") != VERSION:
            found = data.get("version") if isinstance(data, Mapping) else type(data).__name__
            raise ValueError(f"The report has version {found}; expected {VERSION}. Evaluate again.")
        try:
            return cls(
                model=data["model"],
                source=Source(**data["source"]),
                vocabulary=Vocabulary.of(data["tags"]),
                facts=data["facts"],
                levels={name: _level_from_dict(level) for name, level in data["levels"].items()},
                resampling=Resampling(**data["resampling"]),
                valid_tracks=int(data["valid_tracks"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"The report is damaged or incomplete ({error}). Evaluate again.") from error


def _level_to_dict(level: Level) -> dict[str, Any]:
    found = level.thresholds
    thresholds = found and {
        "criterion": found.criterion,
        "values": [float(value) for value in found.values],
        "chosen": [bool(chosen) for chosen in found.chosen],
    }
    groups = {
        name: {**group.__dict__, "metrics": {name: metric.to_dict() for name, metric in group.metrics.items()}}
        for name, group in level.groups.items()
    }
    return {"thresholds": thresholds, "groups": groups}


def _level_from_dict(data: Mapping[str, Any]) -> Level:
    found = data["thresholds"]
    thresholds = found and Thresholds(np.array(found["values"]), np.array(found["chosen"]), found["criterion"])
    groups = {
        name: Group(
            **{
                **group,
                "positives": tuple(group["positives"]),
                "metrics": {name: Measured.from_dict(metric) for name, metric in group["metrics"].items()},
            }
        )
        for name, group in data["groups"].items()
    }
    return Level(thresholds, groups)


def make_report(
    test: Predictions,
    valid: Predictions | None = None,
    *,
    criterion: str = "mcc",
    resampling: Resampling = DEFAULT_RESAMPLING,
) -> Report:
    """Measures predictions.

    Args:
        test: The predictions to measure.
        valid: The same model's predictions of the undeformed validation part, on which the thresholds are chosen; None
            to leave out MCC and F1.
        criterion: What the thresholds maximise, "mcc" or "f1".
        resampling: How the intervals are computed.

    Raises:
        ValueError: If `valid` has another model, split or vocabulary, is deformed, or is the test part itself.

    Example:
        >>> source = Source("folder", "1", "seed 0", "ab12", "test")
        >>> said = Predictions("mine", source, Vocabulary(("rock",)), ("a", "b"), [[1], [0]], [[0.9], [0.2]])
        >>> report = make_report(said)
        >>> report.group().metrics["roc_auc"].macro.tolist()
        [1.0, 1.0, 1.0]
    """
    if valid is not None:
        check_valid(test, valid)
    return Report(
        model=test.model,
        source=test.source,
        vocabulary=test.vocabulary,
        facts=dict(test.facts),
        levels={name: _level(name, test, valid, criterion, resampling) for name in test.levels},
        resampling=resampling,
        valid_tracks=0 if valid is None else len(valid),
    )


def check_valid(test: Predictions, valid: Predictions) -> None:
    """Raises ValueError if thresholds for `test` must not be chosen on `valid`."""
    if valid.source.part == test.source.part or set(valid.track_ids) & set(test.track_ids):
        raise ValueError(
            "Thresholds must not be chosen on the tracks that are measured. Received: validation predictions of part "
            f"{valid.source.part!r} with tracks of the measured part {test.source.part!r}."
        )
    if valid.source.deformation:
        raise ValueError(f"Thresholds must be chosen on undeformed audio. Received: {valid.source.deformation!r}.")
    pairs = {
        "model": (test.model, valid.model),
        "dataset": (test.source.dataset, valid.source.dataset),
        "split_sha256": (test.source.split_sha256, valid.source.split_sha256),
        "tags": (test.vocabulary.names, valid.vocabulary.names),
        "levels": (test.levels, valid.levels),
    }
    for name, (of_test, of_valid) in pairs.items():
        if of_test != of_valid:
            raise ValueError(
                f"Test and validation predictions must have the same {name}. Received: {of_test!r} and {of_valid!r}."
            )


def _level(name: str, test: Predictions, valid: Predictions | None, criterion: str, resampling: Resampling) -> Level:
    thresholds = None
    if valid is not None:
        targets, scores, _ = valid.rows(name)
        thresholds = choose_thresholds(targets, scores, criterion)
    parts = {WHOLE: test}
    if len(set(test.subsets)) > 1:
        parts |= {subset or UNNAMED: test.subset(subset) for subset in sorted(set(test.subsets))}
    return Level(thresholds, {key: _group(name, part, thresholds, resampling) for key, part in parts.items()})


def _group(name: str, part: Predictions, thresholds: Thresholds | None, resampling: Resampling) -> Group:
    targets, scores, tracks = part.rows(name)
    metrics, incomplete = measure(targets, scores, tracks, thresholds and thresholds.values, resampling)
    return Group(len(part), len(targets), tuple(map(int, targets.sum(axis=0))), metrics, incomplete)

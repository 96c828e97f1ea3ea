"""Comparisons of reports on the same data: a table of models, tests between neighbours, robustness, and costs.

All reports about the same tracks and tags are compared, wherever they are. What `compare` or `robustness` wrote belongs
to the comparison of a report with the same values, else of a report in its folder; else it is one of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag.errors import UnknownNameError, printable
from keras_musictag.evaluation.comparing import Neighbours
from keras_musictag.evaluation.comparison_files import PAIRS, VALUES
from keras_musictag.evaluation.predictions import WHOLE
from keras_musictag.evaluation.report_files import AVERAGE_PRECISION_NOTE
from keras_musictag.evaluation.tables import published_datasets, published_tables, read_numbers
from keras_musictag.robustness.conditions import CONDITIONS, KINDS, ORIGINAL
from keras_musictag.robustness.drop_files import VALUES as DROPS
from keras_musictag.robustness.drops import Drop
from keras_musictag.web.reports import (
    COSTS,
    FoundReport,
    ReportFolder,
    Reports,
    files_named,
    interval_of,
    number_or_none,
    short_id,
    without_folder,
)

RANKED_BY = "pr_auc"
SPEED_NOTE = "Speed was measured while a model was evaluated: compare it only if nothing else ran on the same machine."
RECOGNISED_BY = ("roc_auc", "pr_auc")  # in full precision, two metrics tell a model's report from all others


@dataclass(frozen=True)
class _ComparedValue:
    """What is read of `compare.csv`."""

    model: str
    level: str
    subset: str
    metric: str
    tracks: int
    macro: float
    macro_low: float
    macro_high: float


@dataclass(frozen=True)
class _StoredDrop(Drop):
    """What is read of `robustness.csv`."""

    tracks: int


@dataclass(eq=False)
class _Files:
    """What `compare` and `robustness` wrote into one folder."""

    values: list[_ComparedValue] = field(default_factory=list)
    pairs: list[Neighbours] = field(default_factory=list)
    drops: list[_StoredDrop] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def scores(self) -> dict[str, dict[str, float]]:
        """Model -> its tracks and its macro values by metric, on all undeformed tracks."""
        found: dict[str, dict[str, float]] = {}
        for value in self.values:
            if (value.level, value.subset) == ("track", WHOLE):
                found.setdefault(value.model, {"tracks": value.tracks})[value.metric] = value.macro
        for drop in self.drops:
            if drop.condition == ORIGINAL:
                found.setdefault(drop.model, {"tracks": drop.tracks})[drop.metric] = drop.value
        return found


def find_comparisons(reports: Reports) -> list[dict[str, Any]]:
    """All comparisons as plain data for JSON: published ones first, then those with most models."""
    found = [report for report in reports.find_reports() if report.data is not None]
    comparisons = {}
    for report in found:
        about = {name: report.content[name] for name in ("dataset", "split", "part", "tracks")}
        name = f"{about['dataset']} {about['split']}, {about['part']}"
        comparison = comparisons.setdefault(report.data, _new(report.comparison, name, report.folder.source, **about))
        comparison["models"].append(_row(report))
    for folder in reports.folders:
        for path in dict.fromkeys(path.parent for path in files_named(folder.path, (VALUES, PAIRS, DROPS))):
            files = _read_files(folder, path)
            key = _data_of(found, files, path)
            if key is None:
                key, name = path, printable(path.name)
                comparisons[key] = {
                    **_new(short_id(str(path)), name, folder.source),
                    "models": _rows_of(files, folder.source),
                }
            _add(comparisons[key], files)
    for comparison in comparisons.values():
        comparison["models"].sort(key=lambda row: -(row["metrics"].get(RANKED_BY, {}).get("value") or 0))
        comparison["cost"] = list(_cost_rows(comparison["models"]))
        known = any(row["audio_seconds_per_second"] is not None for row in comparison["models"])
        comparison["notes"] = [AVERAGE_PRECISION_NOTE] + [SPEED_NOTE] * known
    return sorted(
        comparisons.values(), key=lambda one: (one["source"] != "published", -len(one["models"]), one["name"])
    )


def comparison_page(reports: Reports, comparison: str | None = None) -> dict[str, Any]:
    """One comparison, the list of all of them, and what others published, as plain data for JSON.

    Args:
        reports: The reports.
        comparison: The id of the comparison; None for the first one.

    Raises:
        UnknownNameError: If there is no such comparison.
    """
    found = find_comparisons(reports)
    chosen = [one for one in found if comparison in (None, one["comparison"])]
    if not chosen and comparison is not None:
        raise UnknownNameError(
            f"There is no comparison {comparison[:80]!r}. Were its reports removed? Reload the page."
        )
    listed = ("comparison", "name", "dataset", "split", "part", "tracks", "source")
    return {
        **(chosen[0] if chosen else {**_new(None, "", "published"), "cost": [], "notes": []}),
        "comparisons": [{**{key: one[key] for key in listed}, "models": len(one["models"])} for one in found],
        "elsewhere": [
            {"dataset": dataset, **asdict(table)}
            for dataset in published_datasets()
            for table in published_tables(dataset)
        ],
    }


def _new(comparison: str | None, name: str, source: str, **about) -> dict[str, Any]:
    unknown = dict.fromkeys(("dataset", "split", "part", "tracks"))
    lists = {name: [] for name in ("models", "neighbours", "robustness", "problems")}
    return {"comparison": comparison, "name": name, "source": source, **unknown, **about, **lists}


def _row(report: FoundReport) -> dict[str, Any]:
    names = ("place", "source", "tracks", "metrics", "chunk_seconds", "chunks_per_track", "seconds_per_track")
    kept = {name: report.content[name] for name in (*names, *COSTS.values())}
    return {"model": report.content["name"], "report": report.id, **kept}


def _cost_rows(models: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One row per model, cost and metric."""
    for row in models:
        for cost in COSTS.values():
            for metric, numbers in row["metrics"].items():
                if row[cost] is not None and numbers["value"] is not None:
                    about = {"model": row["model"], "report": row["report"], "cost": cost, "amount": row[cost]}
                    yield {**about, "metric": metric, **numbers}


def _read_files(folder: ReportFolder, path: Path) -> _Files:
    files = _Files()
    kinds = (
        (files.values, VALUES, _ComparedValue),
        (files.pairs, PAIRS, Neighbours),
        (files.drops, DROPS, _StoredDrop),
    )
    for rows, name, kind in kinds:
        if not (path / name).is_file():
            continue
        try:
            rows += read_numbers(path / name, kind)
        except (OSError, ValueError) as error:
            files.problems.append(without_folder(folder.path, error))
    return files


def _data_of(found: Iterable[FoundReport], files: _Files, path: Path) -> tuple | None:
    """The data of a report with the same values as a model in the files, else of a report in their folder."""
    wanted = {(row["tracks"], *map(row.get, RECOGNISED_BY)) for row in files.scores().values()}
    in_folder = None
    for report in found:
        metrics = report.content["metrics"]
        if (report.content["tracks"], *(metrics[name]["value"] for name in RECOGNISED_BY)) in wanted:
            return report.data
        if in_folder is None and report.path.is_relative_to(path):
            in_folder = report.data
    return in_folder


def _add(comparison: dict[str, Any], files: _Files) -> None:
    measured = {CONDITIONS[drop.condition].kind for drop in files.drops if drop.condition in CONDITIONS}
    kinds = [kind for kind in KINDS if kind in measured]
    comparison["neighbours"] += [_finite(asdict(pair)) for pair in files.pairs]
    comparison["robustness"] += [row for drop in files.drops for row in _curve_rows(drop, kinds)]
    comparison["problems"] += files.problems


def _rows_of(files: _Files, source: str) -> list[dict[str, Any]]:
    """Rows of models that have no report."""
    unknown = ("report", "place", "chunk_seconds", "chunks_per_track", "seconds_per_track", *COSTS.values())
    rows = {}
    for value in files.values:
        if (value.level, value.subset) == ("track", WHOLE):
            row = {"model": value.model, **dict.fromkeys(unknown), "source": source, "tracks": value.tracks}
            row = rows.setdefault(value.model, {**row, "metrics": {}})
            row["metrics"][value.metric] = interval_of(np.array([value.macro, value.macro_low, value.macro_high]))
    return list(rows.values())


def _curve_rows(drop: _StoredDrop, kinds: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The points of a condition: one on the curve of its kind; the original is a point of each curve."""
    numbers = {name: value for name, value in asdict(drop).items() if name not in ("condition", "tracks")}
    if drop.condition == ORIGINAL:
        points = [(kind, KINDS[kind].title, KINDS[kind].original, 0) for kind in kinds]
    elif drop.condition in CONDITIONS:
        condition = CONDITIONS[drop.condition]
        points = [(condition.kind, KINDS[condition.kind].title, condition.label, condition.position)]
    else:  # a condition of a newer version
        points = [(drop.condition, drop.condition, drop.condition, 1)]
    for kind, title, level, position in points:
        yield _finite({"condition": kind, "title": title, "level": level, "position": position, **numbers})


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, str) else number_or_none(value) for name, value in row.items()}

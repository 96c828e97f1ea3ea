"""Comparisons of reports on the same data: a table of models, tests between neighbours, robustness, and costs.

All reports about the same tracks and tags are compared, wherever they are. Files of `compare` and `robustness` belong to the
comparison of a report with the same values, else of a report below their folder; if there is none, they are one of their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag.errors import UnknownNameError, printable
from keras_musictag.evaluation.comparing import Neighbours
from keras_musictag.evaluation.comparison_files import PAIRS, VALUES
from keras_musictag.evaluation.predictions import WHOLE
from keras_musictag.evaluation.tables import published_datasets, published_tables, read_numbers
from keras_musictag.robustness.conditions import CONDITIONS, KINDS, ORIGINAL
from keras_musictag.robustness.drop_files import VALUES as DROPS
from keras_musictag.robustness.drops import Drop
from keras_musictag.web.reports import COSTS, FoundReport, ReportFolder, Reports, files_named, interval_of
from keras_musictag.web.reports import number_or_none, short_id, without_folder

RANKED_BY = "pr_auc"
KEY_METRICS = ("roc_auc", "pr_auc")


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


def find_comparisons(reports: Reports) -> list[dict[str, Any]]:
    """All comparisons as plain data for JSON: published ones first, then those with most models."""
    found = [report for report in reports.find_reports() if report.data is not None]
    comparisons = {}
    for report in found:
        about = {name: report.content[name] for name in ("dataset", "split", "part", "tracks")}
        name = f"{about['dataset']} {about['split']}, {about['part']}"
        comparison = comparisons.setdefault(report.data, _new(repr(report.data), name, report.folder.source, **about))
        comparison["models"].append(_row(report))
    for folder in reports.folders:
        for path in files_named(folder.path, (VALUES, PAIRS, DROPS)):
            _add_file(comparisons, found, folder, path)
    for comparison in comparisons.values():
        comparison["models"].sort(key=lambda row: -(row["metrics"].get(RANKED_BY, {}).get("value") or 0))
        comparison["cost"] = list(_cost_rows(comparison["models"]))
    return sorted(comparisons.values(), key=lambda one: (one["source"] != "published", -len(one["models"]), one["name"]))


def comparison_page(reports: Reports, comparison: str | None = None) -> dict[str, Any]:
    """One comparison, the list of all of them, and what others published.

    Args:
        reports: The reports.
        comparison: The id of the comparison; None for the first one.

    Raises:
        UnknownNameError: If there is no such comparison.
    """
    found = find_comparisons(reports)
    chosen = [one for one in found if comparison in (None, one["comparison"])]
    if not chosen and comparison is not None:
        raise UnknownNameError(f"There is no comparison {comparison!r}. Were its reports removed? Reload the page.")
    listed = ("comparison", "name", "dataset", "split", "part", "tracks", "source")
    return {
        **(chosen[0] if chosen else _new("", "", "published") | {"comparison": None, "cost": []}),
        "comparisons": [{**{key: one[key] for key in listed}, "models": len(one["models"])} for one in found],
        "elsewhere": [
            {"dataset": dataset, **asdict(table)} for dataset in published_datasets() for table in published_tables(dataset)
        ],
    }


def _new(key: str, name: str, source: str, **about) -> dict[str, Any]:
    unknown = dict.fromkeys(("dataset", "split", "part", "tracks"))
    lists = {key: [] for key in ("models", "neighbours", "robustness", "problems")}
    return {"comparison": short_id(key), "name": name, "source": source, **unknown, **about, **lists}


def _row(report: FoundReport) -> dict[str, Any]:
    names = ("place", "source", "tracks", "metrics", "chunk_seconds", "chunks_per_track", "seconds_per_track")
    kept = {name: report.content[name] for name in (*names, *COSTS.values())}
    return {"model": report.content["name"], "report": report.id, **kept}


def _cost_rows(models: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One row per model, cost and metric."""
    for row in models:
        for cost in COSTS.values():
            for metric, numbers in row["metrics"].items():
                if row[cost] is not None and numbers["value"] is not None:
                    kept = {"model": row["model"], "report": row["report"]}
                    yield {**kept, "cost": cost, "amount": row[cost], "metric": metric, **numbers}


def _add_file(comparisons: dict, found: list[FoundReport], folder: ReportFolder, path: Path) -> None:
    """Adds what is in a file to the comparison that it belongs to."""
    try:
        values = read_numbers(path.with_name(VALUES), _ComparedValue) if path.name != DROPS else []
        drops = read_numbers(path, _StoredDrop) if path.name == DROPS else []
        pairs = read_numbers(path, Neighbours) if path.name == PAIRS else []
        problem = None
    except (OSError, ValueError) as error:
        values, drops, pairs, problem = [], [], [], without_folder(folder.path, error)
    whole = [value for value in values if (value.level, value.subset) == ("track", WHOLE)]
    stated = [(v.model, v.metric, v.tracks, v.macro) for v in whole]
    stated += [(drop.model, drop.metric, drop.tracks, drop.value) for drop in drops if drop.condition == ORIGINAL]
    data = _data_of(found, stated, path.parent)
    if data is None:
        data, name = path.parent, printable(path.parent.name)
        comparison = comparisons.setdefault(data, _new(str(data), name, folder.source))
        if path.name == VALUES:
            comparison["models"] += _rows_of_file(whole, folder)
    comparison = comparisons[data]
    comparison["neighbours"] += [_finite(asdict(pair)) for pair in pairs]
    comparison["robustness"] += [row for drop in drops for row in _curve_rows(drop)]
    comparison["problems"] += [problem] if problem else []


def _data_of(found: list[FoundReport], stated: list[tuple], folder: Path) -> tuple | None:
    """The data of a report with the stated values, else of a report in the folder."""
    values: dict[str, dict] = {}
    for model, metric, tracks, value in stated:
        values.setdefault(model, {"tracks": tracks})[metric] = value
    wanted = {(row["tracks"], *map(row.get, KEY_METRICS)) for row in values.values()}
    for report in found:
        metrics = report.content["metrics"]
        if (report.content["tracks"], *(metrics[name]["value"] for name in KEY_METRICS)) in wanted:
            return report.data
    return next((report.data for report in found if (report.folder.path / report.place).is_relative_to(folder)), None)


def _rows_of_file(values: list[_ComparedValue], folder: ReportFolder) -> list[dict[str, Any]]:
    """Rows of models of which there is only `compare.csv`."""
    rows = {}
    for value in values:
        empty = dict.fromkeys(("report", "place", "chunk_seconds", "chunks_per_track", "seconds_per_track", *COSTS.values()))
        row = {"model": value.model, **empty, "source": folder.source, "tracks": value.tracks, "metrics": {}}
        numbers = interval_of(np.array([value.macro, value.macro_low, value.macro_high]))
        rows.setdefault(value.model, row)["metrics"][value.metric] = numbers
    return list(rows.values())


def _curve_rows(drop: _StoredDrop) -> Iterator[dict[str, Any]]:
    """The points of a condition on its curve; the original is a point of each curve."""
    numbers = {name: value for name, value in asdict(drop).items() if name not in ("condition", "tracks")}
    if drop.condition == ORIGINAL:
        curves = [(kind, KINDS[kind].title, KINDS[kind].original, 0) for kind in KINDS]
    elif drop.condition in CONDITIONS:
        condition = CONDITIONS[drop.condition]
        curves = [(condition.kind, KINDS[condition.kind].title, condition.label, condition.position)]
    else:  # of a newer version
        curves = [(drop.condition, drop.condition, drop.condition, 1)]
    for kind, title, level, position in curves:
        yield _finite({"condition": kind, "title": title, "level": level, "position": position, **numbers})


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, str) else number_or_none(value) for name, value in row.items()}

"""Evaluation reports that the page shows: published ones, those in the user's folders, and those of its own jobs.

A report is read again when its file changes. A damaged one is listed with the reason.
"""

import hashlib
import math
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag.bundled_files import bundled
from keras_musictag.errors import UnknownNameError, printable
from keras_musictag.evaluation.comparison_files import report_costs
from keras_musictag.evaluation.measuring import VALUE_AND_INTERVAL
from keras_musictag.evaluation.reporting import Report
from keras_musictag.evaluation.run_folder import REPORT, read_report

DEPTH = 4  # of the folders that are searched: robustness/<model>/<condition> is at depth 3
COSTS = {  # name in `report_costs` -> key in JSON
    "parameters": "parameters",
    "multiply-adds per second of audio": "multiply_adds_per_second",
    "seconds of audio per second": "audio_seconds_per_second",
}


@dataclass(frozen=True)
class ReportFolder:
    """A folder that is searched for reports; `source` is "published", "folder" or "job"."""

    path: Path
    source: str


@dataclass(frozen=True, eq=False)
class FoundReport:
    """A report that was found.

    Attributes:
        id: Its name in addresses.
        folder: The folder that was searched.
        place: Where it is in that folder, as clients see it, such as "gmtag_small/ridge".
        path: The folder of the run.
        report: The report; None if it is damaged.
        content: What the page shows of it, as plain data for JSON; of a damaged one, {"error": sentence}.
    """

    id: str
    folder: ReportFolder
    place: str
    path: Path
    report: Report | None = field(repr=False)
    content: Mapping[str, Any] = field(repr=False)

    @property
    def data(self) -> tuple | None:
        """Equal for reports about the same tracks and tags; None if the report is damaged or about deformed tracks."""
        if self.report is None or self.report.source.deformation:
            return None
        return self.report.source, self.report.vocabulary.names, self.report.group().tracks

    @property
    def comparison(self) -> str | None:
        """Id of the comparison that it belongs to; None if it has no `data`."""
        return None if self.data is None else short_id(repr(self.data))

    def summary(self) -> dict[str, Any]:
        """The row of this report in the list of reports."""
        source = "source" if self.report is None else "dataset dataset_version split part deformation source tracks"
        names = (*source.split(), "metrics", *COSTS.values(), "error")
        kept = {name: self.content[name] for name in names if name in self.content}
        about = {"report": self.id, "comparison": self.comparison}
        return {**about, "name": self.content["name"], "place": self.content["place"], **kept}


class Reports:
    """All reports, found anew at each call.

    Args:
        folders: The user's folders, as `evaluate` and `robustness` write them, at most `DEPTH` levels deep.
        jobs: The folder for reports of this server's own evaluations, which may be missing; None for none.
        published: The folder of published results; None for the bundled one.
    """

    def __init__(self, folders: Sequence[Path] = (), jobs: Path | None = None, published: Path | None = None):
        paths = [(published or bundled("results"), "published")]
        paths += [(jobs, "job")] if jobs else []  # first: it may be in one of the user's folders
        paths += [(folder, "folder") for folder in folders]
        self.folders = [ReportFolder(path.resolve(), source) for path, source in paths]
        self._read: dict[Path, tuple[tuple, FoundReport]] = {}  # path -> (state of the file, report)
        self._reading = threading.Lock()  # the page asks for all reports twice when it opens

    def find_reports(self) -> list[FoundReport]:
        """All reports; those of one folder in the order of their paths."""
        found = {}
        with self._reading:
            for folder in self.folders:
                for path in files_named(folder.path, (REPORT,)):
                    report = self._find(folder, path)
                    if report is not None:
                        found.setdefault(os.path.realpath(path), report)
            self._read = {path: kept for path, kept in self._read.items() if kept[1] in found.values()}
        return list(found.values())

    def find_report(self, report_id: str) -> FoundReport:
        """Finds a report.

        Raises:
            UnknownNameError: If there is none with this id.
        """
        for report in self.find_reports():
            if report.id == report_id:
                return report
        raise UnknownNameError(
            f"There is no report {report_id[:80]!r}. Was its folder removed? Reload the list of reports."
        )

    def _find(self, folder: ReportFolder, path: Path) -> FoundReport | None:
        try:
            facts = path.stat()
        except OSError:
            return None  # it has just been removed
        state = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
        if path not in self._read or self._read[path][0] != state:
            self._read[path] = state, self._read_report(folder, path)
        return self._read[path][1]

    def _read_report(self, folder: ReportFolder, path: Path) -> FoundReport:
        place = path.parent.relative_to(folder.path).as_posix()
        place = printable(folder.path.name if place == "." else place)
        about = {"place": place, "source": folder.source}
        try:
            report = read_report(path.parent)
            content = {**report_content(report), **about}
        # what a report with wrong shapes, types or names raises when it is shown
        except (OSError, ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
            content = {"name": place, "metrics": {}, **about, "error": without_folder(folder.path, error)}
            report = None
        return FoundReport(report_id(path.parent), folder, place, path.parent, report, content)


def files_named(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """The files with these names in a folder, in the order of their paths; hidden folders and links are left out."""
    for parent, folders, files in os.walk(folder):
        depth = len(Path(parent).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < DEPTH else []
        yield from (Path(parent) / name for name in names if name in files and (Path(parent) / name).is_file())


def report_id(folder: Path) -> str:
    """The id of the report in a run folder, also before it is written."""
    return short_id(os.path.realpath(folder))


def short_id(text: str) -> str:
    """A short id for addresses, from which the text cannot be read."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def without_folder(folder: Path, error: Exception) -> str:
    """The sentence of an error, in which an absolute folder has only its name: clients get no other path."""
    sentence = str(error)
    for shown in (str(folder), repr(str(folder))[1:-1]):
        sentence = sentence.replace(shown, folder.name)
    return printable(sentence)


def report_content(report: Report) -> dict[str, Any]:
    """A report as plain data for JSON, with null for "no value"."""
    source, level, group = report.source, report.levels["track"], report.group()
    costs = report_costs(report)
    return {
        "name": printable(report.model),
        **{name: printable(value) for name, value in source.__dict__.items()},
        "tracks": int(group.tracks),
        "tags_left_out": int(group.metrics["roc_auc"].left_out),
        "metrics": {name: interval_of(measured.macro) for name, measured in group.metrics.items()},
        **{key: number_or_none(costs[name]) for name, key in COSTS.items()},
        **{key: _text_or_number(report.facts.get(key)) for key in ("architecture", "precision", "chunk_seconds")},
        "chunks_per_track": _text_or_number(report.facts.get("chunks_per_track")),
        "seconds_per_track": _seconds_per_track(report.facts),
        "criterion": level.thresholds and str(level.thresholds.criterion),
        "valid_tracks": report.valid_tracks,
        "resampling": {name: number_or_none(value) for name, value in report.resampling.__dict__.items()},
        "groups": [
            {
                "level": printable(level_name),
                "subset": printable(name),
                "tracks": int(part.tracks),
                "rows": int(part.rows),
                "metrics": {metric: interval_of(measured.macro) for metric, measured in part.metrics.items()},
                "micro": {metric: interval_of(measured.micro) for metric, measured in part.metrics.items()},
            }
            for level_name, of_level in report.levels.items()
            for name, part in of_level.groups.items()
        ],
        "per_tag": list(_tag_rows(report)),
    }


def _tag_rows(report: Report) -> Iterator[dict[str, Any]]:
    level, group = report.levels["track"], report.group()
    tags = zip(report.vocabulary.names, report.vocabulary.groups, group.positives, strict=True)
    for i, (tag, kind, positives) in enumerate(tags):
        yield {
            "tag": printable(tag),
            "group": printable(kind),
            "positives": int(positives),
            "threshold": level.thresholds and number_or_none(level.thresholds.values[i]),
            **{metric: interval_of(measured.per_tag[i]) for metric, measured in group.metrics.items()},
        }


def interval_of(numbers: np.ndarray) -> dict[str, float | None]:
    """Float (3,) -> value, low and high by name."""
    return {name: number_or_none(value) for name, value in zip(VALUE_AND_INTERVAL, numbers, strict=True)}


def number_or_none(value: float) -> float | int | None:
    """A number that JSON can hold, or None."""
    value = value if isinstance(value, int) else float(value)
    return value if math.isfinite(value) else None


def _text_or_number(value: Any) -> str | float | int | None:
    return (
        printable(value)
        if isinstance(value, str)
        else number_or_none(value)
        if isinstance(value, (int, float))
        else None
    )


def _seconds_per_track(facts: Mapping[str, Any]) -> float | None:
    """The network's time per track, in seconds; None if it was not measured."""
    chunks, speed = facts.get("chunks_per_track"), facts.get("chunks_per_second")
    return chunks / speed if isinstance(chunks, int) and isinstance(speed, (int, float)) and speed > 0 else None

"""The folder of a run: predictions of the measured part and the validation part, and the report about them."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_musictag.evaluation.measuring import DEFAULT_RESAMPLING, Resampling, metric_values
from keras_musictag.evaluation.plots import plot_tags
from keras_musictag.evaluation.predictions import Predictions, load_predictions, save_predictions
from keras_musictag.evaluation.report_files import tag_rows, to_markdown
from keras_musictag.evaluation.reporting import Report, make_report
from keras_musictag.evaluation.tables import write_numbers
from keras_musictag.files import write_text

MEASURED, VALID = "measured.npz", "valid.npz"
ROUND_OFF = 1e-9  # by which sums differ on another machine
REPORT, TEXT, TAGS, FIGURE = "report.json", "report.md", "per_tag.csv", "per_tag.png"


@dataclass(frozen=True, eq=False)
class EvaluationRun:
    """A run that was read: its folder, the predictions that were measured, and the report about them."""

    folder: Path
    predictions: Predictions
    report: Report


def write_run(
    folder: str | os.PathLike,
    test: Predictions,
    valid: Predictions | None = None,
    *,
    criterion: str = "mcc",
    resampling: Resampling = DEFAULT_RESAMPLING,
) -> Report:
    """Saves predictions, measures them and writes the report. The same predictions give the same bytes.

    Files: `measured.npz` and `.csv` (`test`), `valid.npz` and `.csv`, `report.json`, `report.md`, `per_tag.csv`,
    `per_tag.png`. `report.json` is written last: a folder that contains it is complete.

    Args:
        folder: Folder to write; created if it does not exist.
        test, valid, criterion, resampling: See `make_report`.

    Raises:
        ValueError: If `valid` does not match `test`; nothing is written then.
        OSError: If a file cannot be written.
    """
    folder = Path(folder)
    report = make_report(test, valid, criterion=criterion, resampling=resampling)
    (folder / REPORT).unlink(missing_ok=True)  # until the new report exists, the folder is incomplete
    save_predictions(test, folder / MEASURED)
    for ending in (".npz", ".csv"):
        (folder / VALID).with_suffix(ending).unlink(missing_ok=True)  # from an earlier run
    if valid is not None:
        save_predictions(valid, folder / VALID)
    write_text(folder / TEXT, to_markdown(report))
    write_numbers(folder / TAGS, *tag_rows(report))
    group = report.group()
    title = f"{report.model}: {report.source.dataset}, {report.source.part}, {group.tracks:,} tracks"
    plot_tags(report.vocabulary, group.metrics, np.array(group.positives) / group.tracks, title, folder / FIGURE)
    write_text(folder / REPORT, report.to_json())
    return report


def read_run(folder: str | os.PathLike) -> EvaluationRun:
    """Reads a run and checks that its report is about its predictions.

    Raises:
        FileNotFoundError: If the folder does not contain a finished run.
        ValueError: If a file is damaged, or report and predictions do not match.
    """
    folder = Path(folder)
    report = read_report(folder)
    predictions = load_predictions(folder / MEASURED)
    _check_report_matches(folder, predictions, report)
    return EvaluationRun(folder, predictions, report)


def read_report(folder: str | os.PathLike) -> Report:
    """Reads the report of a run without its predictions, which may be missing.

    Raises:
        FileNotFoundError: If the folder does not contain a finished run.
        ValueError: If the report is damaged.
    """
    path = Path(folder) / REPORT
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no {REPORT} in {str(folder)!r}: expected a folder that `keras-musictag evaluate` has finished."
        )
    try:
        return Report.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{str(path)!r} cannot be read: {error}") from error


def _check_report_matches(folder: Path, predictions: Predictions, report: Report) -> None:
    mismatch = f"The report in {str(folder)!r} is not about the predictions in this folder"
    for name in ("model", "source", "vocabulary"):
        if getattr(predictions, name) != getattr(report, name):
            raise ValueError(f"{mismatch}: they differ in their {name}. Evaluate again.")
    level = report.levels["track"]
    thresholds = level.thresholds and level.thresholds.values
    for metric, result in metric_values(predictions.targets, predictions.scores, thresholds).items():
        reported = report.group().metrics[metric].macro[0]
        if not np.isclose(result.macro, reported, rtol=0, atol=ROUND_OFF, equal_nan=True):
            raise ValueError(
                f"{mismatch}: the report states {metric} {reported:.6f}, the predictions give {result.macro:.6f}. "
                "Evaluate again."
            )

"""A comparison as files: Markdown, CSV, figures, and one self-contained HTML page."""

import base64
import html
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_musictag.errors import printable
from keras_musictag.evaluation.comparing import Comparison, compare_runs
from keras_musictag.evaluation.measuring import TITLES, VALUE_AND_INTERVAL
from keras_musictag.evaluation.plots import plot_costs, plot_heat_map
from keras_musictag.evaluation.report_files import AVERAGE_PRECISION_NOTE, LEVEL_TITLES
from keras_musictag.evaluation.reporting import WHOLE, Report
from keras_musictag.evaluation.run_folder import read_run
from keras_musictag.evaluation.tables import (
    NO_VALUE,
    Table,
    heading,
    published_tables,
    with_interval,
    write_numbers,
)
from keras_musictag.files import write_text

TEXT, PAGE, VALUES, PAIRS, TAGS = "compare.md", "compare.html", "compare.csv", "neighbours.csv", "per_tag.csv"
HEAT_MAP, COSTS = "per_tag.png", "cost.png"
FACTS = {  # key in `Predictions.facts` -> title of the column
    "parameters": "parameters",
    "multiply_adds": "multiply-adds per chunk",
    "chunk_seconds": "seconds per chunk",
    "chunks_per_second": "chunks per second",
}
STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.88rem; }
th, td { padding: 0.3rem 0.7rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #8884; }
th:first-child, td:first-child { text-align: left; }
ul { padding-left: 1.2rem; font-size: 0.9rem; }
img { max-width: 100%; height: auto; background: white; }
.elsewhere { opacity: 0.85; border-left: 4px solid #d1661a; padding-left: 1rem; }
"""


def compare(runs: Sequence[str | os.PathLike], out: str | os.PathLike, metric: str = "pr_auc") -> Comparison:
    """Compares evaluation runs, and writes tables, figures and tests between neighbours in the ranking.

    Args:
        runs: Folders that `evaluate` wrote, all on the same data.
        out: Folder to write; see `write_comparison`.
        metric: Metric that decides the ranking; see `compare_runs`.

    Returns:
        The `Comparison`, best first.

    Raises:
        FileNotFoundError: If a folder holds no finished run.
        UnknownNameError, ValueError: See `compare_runs`.
        OSError: If a file cannot be written.
    """
    comparison = compare_runs([read_run(run) for run in runs], metric)
    write_comparison(comparison, out)
    return comparison


def write_comparison(comparison: Comparison, folder: str | os.PathLike) -> list[Path]:
    """Writes a comparison. The same runs give the same bytes.

    Args:
        comparison: The result of `compare_runs`.
        folder: Folder to write; created if it does not exist.

    Returns:
        The files: `compare.md`, `compare.html`, `compare.csv`, `neighbours.csv`, `per_tag.csv`, `per_tag.png`, and
        `cost.png` if a cost is known.

    Raises:
        OSError: If a file cannot be written.
    """
    folder = Path(folder)
    figures = _write_figures(comparison, folder)
    write_numbers(folder / VALUES, *value_rows(comparison))
    write_numbers(folder / PAIRS, *pair_rows(comparison))
    write_numbers(folder / TAGS, *tag_rows(comparison))
    write_text(folder / TEXT, to_markdown(comparison, figures))
    write_text(folder / PAGE, to_html(comparison, figures, folder))
    return [folder / name for name in (TEXT, PAGE, VALUES, PAIRS, TAGS, *figures)]


def _write_figures(comparison: Comparison, folder: Path) -> dict[str, str]:
    """Writes the figures and maps their file names to what they show."""
    metrics = [run.report.group().metrics[comparison.metric] for run in comparison.runs]
    title = TITLES[comparison.metric]
    shown = {HEAT_MAP: f"{title} of each tag and model, easiest tags on top"}
    tags, values = comparison.runs[0].report.vocabulary, np.stack([metric.per_tag[:, 0] for metric in metrics], axis=1)
    plot_heat_map(tags, comparison.names, values, comparison.metric, folder / HEAT_MAP)
    (folder / COSTS).unlink(missing_ok=True)  # from an earlier comparison
    if known := costs(comparison):
        shown[COSTS] = f"{title} against cost; lines are intervals over tracks"
        numbers = np.stack([metric.macro for metric in metrics])
        plot_costs(comparison.names, numbers, known, comparison.metric, folder / COSTS)
    return shown


def costs(comparison: Comparison) -> dict[str, np.ndarray]:
    """Returns each cost with one number per model, NaN if it is unknown; costs unknown for all models are left out."""
    of_models = [report_costs(run.report) for run in comparison.runs]
    found = {name: np.array([of_model[name] for of_model in of_models]) for name in of_models[0]}
    return {name: values for name, values in found.items() if not np.isnan(values).all()}


def report_costs(report: Report) -> dict[str, float]:
    """Returns each cost of a model, NaN if it is unknown.

    Chunks have different lengths, so arithmetic and speed are stated per second of audio.
    """
    parameters, arithmetic, seconds, speed = (_fact(report.facts, name) for name in FACTS)
    return {
        "parameters": parameters,
        "multiply-adds per second of audio": arithmetic / seconds,
        "seconds of audio per second": speed * seconds,
    }


def _fact(facts, name: str) -> float:
    value = facts.get(name)
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
    return float(value) if known else np.nan


def to_tables(comparison: Comparison) -> list[Table]:
    """Makes the tables of measured numbers."""
    levels = [name for name in LEVEL_TITLES if any(name in run.report.levels for run in comparison.runs)]
    tables = []
    for level in levels:
        groups = dict.fromkeys(
            g for r in comparison.runs if level in r.report.levels for g in r.report.levels[level].groups
        )
        tables += [_score_table(comparison, level, group) for group in groups]
    return [*tables, _cost_table(comparison), _pair_table(comparison)]


def _score_table(comparison: Comparison, level: str, group: str) -> Table:
    rows, notes = [], []
    for name, run in zip(comparison.names, comparison.runs, strict=True):
        if level not in run.report.levels:
            rows.append((name, *[NO_VALUE] * len(TITLES), NO_VALUE))
            continue
        found = run.report.levels[level].groups[group]
        cells = (with_interval(found.metrics[m].macro) if m in found.metrics else NO_VALUE for m in TITLES)
        rows.append((name, *cells, with_interval(found.metrics[comparison.metric].micro)))
        left_out = found.metrics["roc_auc"].left_out
        facts = f"{found.tracks:,} tracks. Macro means, with intervals over tracks." + (
            f" {left_out} of {len(run.report.vocabulary)} tags apply to all or none of the tracks and are left out."
            * bool(left_out)
        )
        notes = [facts]
    where = "" if group == WHOLE else f", subset {group}"
    header = ("model", *TITLES.values(), f"micro {TITLES[comparison.metric]}")
    return Table(f"Measured: {LEVEL_TITLES[level].lower()}{where}", header, tuple(rows), tuple(notes))


def _cost_table(comparison: Comparison) -> Table:
    rows = []
    for name, run in zip(comparison.names, comparison.runs, strict=True):
        values = [_fact(run.report.facts, fact) for fact in FACTS]
        cells = (NO_VALUE if np.isnan(v) else f"{v:,.0f}" if v >= 1000 else f"{v:.4g}" for v in values)
        rows.append((name, *cells, str(run.report.facts.get("chunks_per_track", NO_VALUE))))
    return Table("Cost", ("model", *FACTS.values(), "chunks per track"), tuple(rows))


def _pair_table(comparison: Comparison) -> Table:
    title = TITLES[comparison.metric]
    rows = tuple(
        (
            f"{pair.better} over {pair.worse}",
            with_interval(np.array([pair.difference, pair.low, pair.high])),
            f"{pair.p_value:.4f}",
            f"{pair.p_holm:.4f}",
        )
        for pair in comparison.neighbours
    )
    resampling = comparison.resampling
    notes = (
        f"Paired: {resampling.resamples:,} bootstrap resamples of the tracks (seed {resampling.seed}), the same for "
        f"all models; intervals of {resampling.level:.0%}. The last column is corrected for the number of rows (Holm).",
        "There is one training run per model; other runs of the same models may differ by another amount.",
    )
    return Table(f"Neighbours in the ranking by macro {title}", ("pair", "difference", "p", "p, Holm"), rows, notes)


def _heading(comparison: Comparison) -> str:
    source = comparison.runs[0].report.source
    deformed = f", {source.deformation}" if source.deformation else ""
    return f"{source.dataset}, {source.part}{deformed}: {len(comparison.runs)} models by {TITLES[comparison.metric]}"


def _data(comparison: Comparison) -> Table:
    source = comparison.runs[0].report.source
    text = f"{source.dataset} {source.dataset_version}, split {source.split}, SHA-256 {source.split_sha256}"
    return Table("Data", (), (), (text, AVERAGE_PRECISION_NOTE))


def to_markdown(comparison: Comparison, figures: dict[str, str]) -> str:
    """The comparison as Markdown, with links to the figures in the same folder."""
    measured = [table.to_markdown() for table in [_data(comparison), *to_tables(comparison)]]
    shown = [f"![{text}]({file})\n" for file, text in figures.items()]
    elsewhere = published_tables(comparison.runs[0].report.source.dataset)
    return "\n".join([heading(_heading(comparison)), *measured, *shown, *(table.to_markdown() for table in elsewhere)])


def to_html(comparison: Comparison, figures: dict[str, str], folder: Path) -> str:
    """The same as one HTML page that loads no other file; all texts are escaped."""
    title = html.escape(printable(_heading(comparison)))
    measured = [table.to_html() for table in [_data(comparison), *to_tables(comparison)]]
    for file, text in figures.items():
        content = base64.b64encode((folder / file).read_bytes()).decode()
        text = html.escape(text)
        measured.append(
            f'<figure><img alt="{text}" src="data:image/png;base64,{content}"><figcaption>{text}</figcaption></figure>'
        )
    elsewhere = [table.to_html() for table in published_tables(comparison.runs[0].report.source.dataset)]
    if elsewhere:
        elsewhere = ['<div class="elsewhere">', *elsewhere, "</div>"]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    body = "\n".join([f"<h1>{title}</h1>", *measured, *elsewhere])
    head = f"<head>{head}\n<style>{STYLE}</style></head>"
    return f'<!doctype html>\n<html lang="en">{head}\n<body>\n{body}\n</body></html>\n'


def value_rows(comparison: Comparison) -> tuple[list[str], list[list]]:
    """Header and rows of `compare.csv`: one row per model, level, group and metric."""
    rows = []
    for rank, (name, run) in enumerate(zip(comparison.names, comparison.runs, strict=True), start=1):
        for level_name, level in run.report.levels.items():
            for group_name, group in level.groups.items():
                for metric, measured in group.metrics.items():
                    start = [rank, name, level_name, group_name, metric, group.tracks, measured.left_out]
                    rows.append([*start, *measured.macro, *measured.micro])
    numbers = [
        f"{kind}{'' if part == 'value' else f'_{part}'}" for kind in ("macro", "micro") for part in VALUE_AND_INTERVAL
    ]
    return ["rank", "model", "level", "subset", "metric", "tracks", "tags_left_out", *numbers], rows


def pair_rows(comparison: Comparison) -> tuple[list[str], list[list]]:
    """Header and rows of `neighbours.csv`."""
    header = ["better", "worse", "difference", "low", "high", "p_value", "p_holm"]
    return header, [[getattr(pair, name) for name in header] for pair in comparison.neighbours]


def tag_rows(comparison: Comparison) -> tuple[list[str], list[list]]:
    """Header and rows of `per_tag.csv`: the ranking metric, with one row per tag and one column per model."""
    vocabulary = comparison.runs[0].report.vocabulary
    metrics = [run.report.group().metrics[comparison.metric] for run in comparison.runs]
    rows = [[tag, *(metric.per_tag[i, 0] for metric in metrics)] for i, tag in enumerate(vocabulary)]
    return [comparison.metric, *comparison.names], rows

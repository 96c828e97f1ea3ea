"""Drops as files: Markdown, CSV and a figure. The same drops give the same bytes.

The figure has one panel per kind of deformation and one line per model.
"""

import os
from dataclasses import astuple, fields
from os import PathLike
from pathlib import Path

import numpy as np

from keras_musictag.evaluation.measuring import TITLES
from keras_musictag.evaluation.plots import GREY
from keras_musictag.evaluation.report_files import AVERAGE_PRECISION_NOTE
from keras_musictag.evaluation.tables import Table, heading, number, with_interval, write_numbers
from keras_musictag.figures import new_figure, plain, save_figure
from keras_musictag.files import write_text
from keras_musictag.robustness.conditions import CONDITIONS, KINDS, ORIGINAL
from keras_musictag.robustness.drops import METRICS, Drop, Robustness

TEXT, VALUES, FIGURE = "robustness.md", "robustness.csv", "robustness.png"


def write_robustness(result: Robustness, folder: str | os.PathLike) -> list[Path]:
    """Writes `robustness.md`, `robustness.csv` and `robustness.png`.

    Args:
        result: The result of `measure_drops`.
        folder: Folder to write; created if it does not exist.

    Returns:
        The files.

    Raises:
        OSError: If a file cannot be written.
    """
    folder = Path(folder)
    plot_drops(result, "pr_auc", folder / FIGURE)
    write_numbers(folder / VALUES, *value_rows(result))
    write_text(folder / TEXT, to_markdown(result))
    return [folder / name for name in (TEXT, VALUES, FIGURE)]


def value_rows(result: Robustness) -> tuple[list[str], list[list]]:
    """Header and rows of `robustness.csv`: one row per model, condition and metric, in full precision."""
    header = [field.name for field in fields(Drop)]
    rows = [
        [*astuple(drop), _origin_of(drop.condition), result.tracks, result.left_out] for drop in result.drops.values()
    ]
    return [*header, "from", "tracks", "tags_left_out"], rows


def to_markdown(result: Robustness) -> str:
    """The drops as Markdown, with a link to the figure in the same folder."""
    source = result.source
    tables = [table for metric in METRICS for table in (_drop_table(result, metric), _value_table(result, metric))]
    parts = [
        heading(f"Robustness: {source.dataset}, {source.part}, {result.tracks:,} tracks"),
        f"![PR-AUC of each model under each condition]({FIGURE})\n",
        *(table.to_markdown() for table in tables),
        _condition_table(result).to_markdown(),
        Table("How to read this", (), (), tuple(_notes(result))).to_markdown(),
    ]
    return "\n".join(parts)


def _drop_table(result: Robustness, metric: str) -> Table:
    rows = []
    for condition in result.conditions[1:]:
        drops = [result.drops[model, condition, metric] for model in result.models]
        numbers = (np.array([drop.drop, drop.drop_low, drop.drop_high]) for drop in drops)
        rows.append((condition, *map(with_interval, numbers)))
    return Table(f"Drop in {TITLES[metric]}", ("condition", *result.models), tuple(rows))


def _value_table(result: Robustness, metric: str) -> Table:
    rows = []
    for condition in result.conditions:
        values = (result.drops[model, condition, metric].value for model in result.models)
        rows.append((condition, *map(number, values)))
    return Table(TITLES[metric], ("condition", *result.models), tuple(rows))


def _condition_table(result: Robustness) -> Table:
    rows = []
    for name in result.conditions[1:]:
        facts = result.facts[name]
        kept = [str(facts[f"deformation_{key}"]) for key in ("settings", "version", "libraries")]
        rows.append((name, *kept, str(facts.get("deformation_seed", "-")), _origin_of(name)))
    return Table("Conditions", ("condition", "settings", "version", "libraries", "seed", "from"), tuple(rows))


def _origin_of(condition: str) -> str:
    if condition == ORIGINAL:
        return ORIGINAL
    return "2020 evaluation" if KINDS[CONDITIONS[condition].kind].in_paper else "ours"


def _notes(result: Robustness):
    source, resampling = result.source, result.resampling
    yield (
        f"{source.dataset} {source.dataset_version}, split {source.split}, SHA-256 {source.split_sha256}. "
        f"{result.facts[ORIGINAL]['chunks_per_track']} chunks per track; the whole track is deformed once, before "
        "the chunks are cut."
    )
    yield (
        "Macro values at track level. A drop is the value on the original tracks minus the value on the deformed ones; "
        f"its interval ({resampling.level:.0%}) comes from {resampling.resamples:,} bootstrap resamples of the tracks "
        f"(seed {resampling.seed}), the same for both."
    )
    if result.left_out:
        yield f"Macro leaves out {result.left_out} of {result.tags} tags, which apply to all or none of the tracks."
    if result.incomplete_resamples:
        yield (
            f"On {result.incomplete_resamples:,} resamples, a tag has lost one of its classes; their mean is over "
            "fewer tags, the same for all models and conditions."
        )
    yield (
        "Each run's folder also has MCC and F1, with thresholds from the undeformed validation tracks, and the metrics "
        "at chunk level."
    )
    yield "Conditions from the 2020 evaluation (Won et al., SMC 2020) use its amounts; the others are ours."
    yield AVERAGE_PRECISION_NOTE


COLUMNS = 4
SPREAD = 0.24  # share of the distance between positions over which the models' bars are spread
MARKERS = "os^D"


def plot_drops(result: Robustness, metric: str, path: str | PathLike) -> None:
    """Draws a metric over the amounts of each kind, with the original among them; bars are intervals of the drop.

    Args:
        result: What `measure_drops` gave.
        metric: Name of the metric, such as "pr_auc".
        path: The figure to write, such as "robustness.png".
    """
    kinds = list(dict.fromkeys(CONDITIONS[name].kind for name in result.conditions if name != ORIGINAL))
    panels = kinds or [""]  # the original alone
    rows, columns = -(-len(panels) // COLUMNS), min(COLUMNS, len(panels))
    figure = new_figure(max(5.5, 3.0 * columns), 1.3 + 2.7 * rows)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes, kind in zip(grid.flat, panels, strict=False):
        _panel(axes, result, metric, kind)
    for axes in grid.flat[len(panels) :]:
        axes.remove()
    for axes in grid[:, 0]:
        axes.set_ylabel(f"{TITLES[metric]}, macro")
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8, frameon=False
    )
    source = result.source
    title = f"Robustness on {source.dataset}, {source.part}, {result.tracks:,} tracks; bars: interval of the drop"
    figure.suptitle(plain(title), x=0.01, ha="left", fontsize=10)
    save_figure(figure, path)


def _panel(axes, result: Robustness, metric: str, kind: str) -> None:
    shown = [name for name in result.conditions if name == ORIGINAL or CONDITIONS[name].kind == kind]
    shown.sort(key=lambda name: CONDITIONS[name].position)
    positions = np.array([CONDITIONS[name].position for name in shown], float)
    middle = (len(result.models) - 1) / 2
    for i, model in enumerate(result.models):
        drops = [result.drops[model, name, metric] for name in shown]
        values = np.array([drop.value for drop in drops])
        start = result.drops[model, ORIGINAL, metric].value
        shifted = positions + (i - middle) * SPREAD / max(1, len(result.models))
        colour, marker = f"C{i % 10}", MARKERS[i // 10 % len(MARKERS)]
        lows, highs = (start - np.array([getattr(drop, end) for drop in drops]) for end in ("drop_high", "drop_low"))
        axes.vlines(shifted, lows, highs, color=colour, alpha=0.5, linewidth=2.5)
        # the space, because Matplotlib leaves out labels that begin with "_"
        axes.plot(shifted, values, marker=marker, color=colour, markersize=4, linewidth=1.3, label=f" {plain(model)}")
    axes.axvline(0, color=GREY, linestyle=":", linewidth=1, zorder=0)
    axes.set_xticks(positions, [_label(name, kind) for name in shown], fontsize=8)
    axes.margins(x=0.15, y=0.08)
    axes.set_title(_title(kind), fontsize=9)
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)


def _label(name: str, kind: str) -> str:
    return (KINDS[kind].original if kind else ORIGINAL) if name == ORIGINAL else CONDITIONS[name].label


def _title(kind: str) -> str:
    if not kind:
        return ""
    return KINDS[kind].title + ("" if KINDS[kind].in_paper else "\n(not in the 2020 evaluation)")

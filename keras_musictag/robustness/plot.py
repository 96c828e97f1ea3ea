"""A picture of the drops: a panel a kind of deformation, a line a model."""

from os import PathLike

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_musictag.evaluation.measure import TITLES
from keras_musictag.evaluation.plots import GREY, plain, save
from keras_musictag.robustness.conditions import CONDITIONS, KINDS, ORIGINAL
from keras_musictag.robustness.drops import Robustness

COLUMNS = 4
WIDTH = 0.24  # of the places on an axis, over which the models' bars are spread
MARKERS = "os^D"


def plot_drops(result: Robustness, metric: str, path: str | PathLike) -> None:
    """A metric over each kind's amounts, with the untouched tracks at their place; bars are intervals of the drop.

    Args:
        result: What `measure_drops` gave.
        metric: Which metric, such as "pr_auc".
        path: PNG file to write.
    """
    kinds = list(dict.fromkeys(CONDITIONS[name].kind for name in result.conditions if name != ORIGINAL))
    panels = kinds or [""]  # the original alone
    rows, columns = -(-len(panels) // COLUMNS), min(COLUMNS, len(panels))
    figure = Figure(figsize=(max(5.5, 3.0 * columns), 1.3 + 2.7 * rows), layout="constrained")
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
    save(figure, path)


def _panel(axes: Axes, result: Robustness, metric: str, kind: str) -> None:
    shown = [name for name in result.conditions if name == ORIGINAL or CONDITIONS[name].kind == kind]
    shown.sort(key=lambda name: CONDITIONS[name].place)
    places = np.array([CONDITIONS[name].place for name in shown], float)
    middle = (len(result.models) - 1) / 2
    for i, model in enumerate(result.models):
        drops = [result.drops[model, name, metric] for name in shown]
        values = np.array([drop.value for drop in drops])
        start = result.drops[model, ORIGINAL, metric].value
        shifted = places + (i - middle) * WIDTH / max(1, len(result.models))
        colour, marker = f"C{i % 10}", MARKERS[i // 10 % len(MARKERS)]
        lows, highs = (start - np.array([getattr(drop, end) for drop in drops]) for end in ("drop_high", "drop_low"))
        axes.vlines(shifted, lows, highs, color=colour, alpha=0.5, linewidth=2.5)
        # a label that begins with "_" would be left out: hence the space
        axes.plot(shifted, values, marker=marker, color=colour, markersize=4, linewidth=1.3, label=f" {plain(model)}")
    axes.axvline(0, color=GREY, linestyle=":", linewidth=1, zorder=0)
    axes.set_xticks(places, [_label(name, kind) for name in shown], fontsize=8)
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

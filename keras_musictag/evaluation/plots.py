"""Figures of measured numbers. They need no display, and the same numbers give the same bytes."""

from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np

from keras_musictag.evaluation.measuring import TITLES, Measured
from keras_musictag.figures import new_figure, plain, save_figure

ROW_INCHES = 0.2
BLUE, ORANGE, GREY = "#1f5f99", "#d1661a", "#8a8a8a"


def plot_tags(
    tags: Sequence[str], metrics: Mapping[str, Measured], base_rates: np.ndarray, title: str, path: str | PathLike
) -> None:
    """Draws each tag's PR-AUC and ROC-AUC with intervals, best PR-AUC on top; a tick marks the value of chance.

    Args:
        tags: The tags' names.
        metrics: At least "pr_auc" and "roc_auc".
        base_rates: Float (tags,), the share of rows that each tag applies to.
        title: Title of the figure.
        path: The figure to write, such as "tags.png".
    """
    order = np.argsort(-np.nan_to_num(metrics["pr_auc"].per_tag[:, 0], nan=-1), kind="stable")
    figure = new_figure(10, 1.6 + ROW_INCHES * len(tags))
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, metric, chance in ((left, "pr_auc", base_rates), (right, "roc_auc", np.full(len(tags), 0.5))):
        numbers = metrics[metric].per_tag[order]
        rows = np.arange(len(tags))
        axes.hlines(rows, numbers[:, 1], numbers[:, 2], color=BLUE, alpha=0.45, linewidth=3)
        axes.plot(numbers[:, 0], rows, "o", color=BLUE, markersize=4, label="measured, with interval")
        axes.plot(chance[order], rows, "|", color=ORANGE, markersize=7, markeredgewidth=1.5, label="chance")
        axes.axvline(metrics[metric].macro[0], color=GREY, linestyle=":", linewidth=1, label="macro mean")
        axes.set_xlabel(TITLES[metric])
        axes.grid(axis="x", color="0.9")
        axes.set_axisbelow(True)
        axes.set_xlim(0, 1.02)
    left.set_yticks(np.arange(len(tags)), [plain(tags[i]) for i in order], fontsize=8)
    left.set_ylim(len(tags) - 0.4, -0.6)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    figure.suptitle(plain(title), x=0.01, ha="left", fontsize=11)
    save_figure(figure, path)


def plot_heat_map(
    tags: Sequence[str], models: Sequence[str], values: np.ndarray, metric: str, path: str | PathLike
) -> None:
    """Draws a metric of each tag (row) and model (column), easiest tags on top.

    Args:
        tags, models: Names of the rows and the columns.
        values: Float (tags, models); NaN is drawn in grey.
        metric: Name of the metric, such as "pr_auc".
        path: The figure to write, such as "tags.png".
    """
    order = np.argsort(-np.nan_to_num(values, nan=-1).mean(axis=1), kind="stable")
    longest = max(len(tag) for tag in tags)
    width = 1.6 + 0.08 * longest + 0.75 * len(models)
    figure = new_figure(max(width, 4.5), 1.8 + 0.23 * len(tags))
    axes = figure.subplots()
    shown = np.ma.masked_invalid(values[order])
    axes.set_facecolor("0.85")
    mesh = axes.pcolormesh(shown, cmap="viridis", vmin=0, vmax=1, edgecolors="white", linewidth=0.5)
    for (row, column), value in np.ndenumerate(values[order]):
        text = "-" if np.isnan(value) else f"{value:.2f}"
        colour = "black" if np.isnan(value) or value > 0.6 else "white"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7, color=colour)
    axes.set_yticks(np.arange(len(tags)) + 0.5, [plain(tags[i]) for i in order], fontsize=8)
    names = [plain(model) for model in models]
    axes.set_xticks(np.arange(len(models)) + 0.5, names, rotation=40, ha="left", rotation_mode="anchor", fontsize=9)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.invert_yaxis()
    figure.colorbar(mesh, ax=axes, label=f"{TITLES[metric]}, track level", pad=0.02, aspect=40)
    save_figure(figure, path)


def plot_costs(
    models: Sequence[str], numbers: np.ndarray, costs: Mapping[str, np.ndarray], metric: str, path: str | PathLike
) -> None:
    """Draws a metric against each cost, with one panel per cost and a logarithmic axis.

    Args:
        models: Their names.
        numbers: Float (models, 3): value, low, high.
        costs: Axis label -> float (models,); NaN if the cost of a model is unknown.
        metric: Name of the metric.
        path: The figure to write, such as "tags.png".
    """
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    figure = new_figure(max(6.5, 4.8 * len(costs)), 4.6)
    for axes, (label, cost) in zip(
        figure.subplots(1, len(costs), sharey=True, squeeze=False)[0], costs.items(), strict=True
    ):
        known = np.flatnonzero(~np.isnan(cost))
        for i in known:  # the space, because Matplotlib leaves out labels that begin with "_"
            colour = f"C{i % 10}"
            axes.vlines(cost[i], numbers[i, 1], numbers[i, 2], color=colour, alpha=0.45, linewidth=2)
            axes.plot(
                cost[i], numbers[i, 0], "os^D"[i // 10 % 4], color=colour, markersize=6, label=f" {plain(models[i])}"
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.15, y=0.1)
        axes.set_xlabel(label if len(known) == len(models) else f"{label} ({len(known)} of {len(models)} models)")
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
    figure.axes[0].set_ylabel(f"{TITLES[metric]}, macro, track level")
    handles = {}
    for axes in figure.axes:
        points, names = axes.get_legend_handles_labels()
        handles |= dict(zip(names, points, strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    save_figure(figure, path)

"""A plot of how frequent a dataset's tags are."""

from os import PathLike
from typing import Any

import numpy as np

from keras_musictag.figures import new_figure, plain, save_figure

ROW_INCHES = 0.24


def plot_tags(info: dict[str, Any], path: str | PathLike) -> None:
    """Draws for each tag the share of tracks that have it, with one mark per part; needs no display.

    Args:
        info: The content of `dataset.json`.
        path: The image file to write, such as "tags.png".
    """
    parts = {part: facts for part, facts in info["parts"].items() if facts["tracks"]}
    shares = {part: 100 * np.array(facts["positives"]) / facts["tracks"] for part, facts in parts.items()}
    largest = next(iter(parts))
    order = np.argsort(shares[largest], kind="stable")  # the most frequent on top
    rows = np.arange(len(order))
    figure = new_figure(8, 1.6 + ROW_INCHES * len(order))
    axes = figure.subplots()
    axes.barh(rows, shares[largest][order], color="0.85", label=f"{largest}, {parts[largest]['tracks']:,} tracks")
    for marker, (part, share) in zip("o^", list(shares.items())[1:], strict=False):
        axes.plot(
            share[order],
            rows,
            marker,
            markersize=5,
            fillstyle="none",
            clip_on=False,
            label=f"{part}, {parts[part]['tracks']:,} tracks",
        )
    axes.set_yticks(rows, [plain(info["tags"][row]["name"]) for row in order])
    axes.set_ylim(-0.6, len(order) - 0.4)
    axes.set_xlim(left=0)
    axes.set_xlabel("tracks that have the tag, %")
    axes.set_title(plain(f"{info['dataset']}, {info['split']}"), loc="left")
    figure.legend(loc="outside upper right", ncols=len(parts), frameon=False, fontsize="small")
    save_figure(figure, path)

"""The picture of a taggram."""

import warnings
from os import PathLike

import numpy as np
from matplotlib.figure import Figure

ROW_INCHES = 0.24


def plot_taggram(taggram, path: str | PathLike, top: int = 20) -> None:
    """Draws a taggram; see `Taggram.plot`. Needs no display."""
    shown = [taggram.vocabulary.index(tag) for tag, _ in taggram.merge(top=top).tags]
    figure = Figure(figsize=(10, 1.4 + ROW_INCHES * len(shown)), layout="constrained")
    axes = figure.subplots()
    # a chunk is drawn until the next one begins, the last one to its end
    edges = np.append(taggram.start_seconds, taggram.end_seconds[-1])
    mesh = axes.pcolormesh(edges, np.arange(len(shown) + 1), taggram.scores[:, shown].T, cmap="magma_r", vmin=0, vmax=1)
    axes.set_yticks(np.arange(len(shown)) + 0.5, [taggram.vocabulary[i] for i in shown])
    axes.invert_yaxis()
    axes.set_xlabel("seconds")
    axes.set_title(taggram.track.name, loc="left", parse_math=False)
    figure.colorbar(mesh, ax=axes, label="score", pad=0.01)
    with warnings.catch_warnings():  # a letter that the font lacks is drawn as a box: a warning for each is too much
        warnings.filterwarnings("ignore", "Glyph .* missing from|Matplotlib currently does not support", UserWarning)
        figure.savefig(path, dpi=120)

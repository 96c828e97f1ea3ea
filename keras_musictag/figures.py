"""Figures that need no display; matplotlib is loaded when the first one is made."""

import warnings
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from keras_musictag.errors import printable
from keras_musictag.files import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 120


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of a size in inches, whose parts make room for each other."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def plain(text: str) -> str:
    """A name as a figure can show it: on one line, without formulas between dollar signs."""
    return printable(text).replace("$", "\\$")


def save_figure(figure: "Figure", path: str | PathLike) -> None:
    """Writes a figure completely or not at all; the same figure gives the same bytes.

    Args:
        figure: A figure from `new_figure`.
        path: Where to write. Its extension sets the format (.png, .pdf, .svg); the default is PNG.

    Raises:
        ValueError: If matplotlib does not support the format.
        OSError: If the file cannot be written.
    """
    path = Path(path)
    with whole_file(path) as scratch, warnings.catch_warnings():
        # a letter that is missing in the font is drawn as a box: one warning for each would be too much
        warnings.filterwarnings("ignore", "Glyph .* missing from|Matplotlib currently does not support", UserWarning)
        figure.savefig(scratch, dpi=DPI, format=path.suffix[1:] or "png")

"""Pictures that need no display; matplotlib is loaded when the first one is drawn."""

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
    """An empty picture of a size in inches, whose parts make room for each other."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def plain(text: str) -> str:
    """A name as a picture can show it: on one line, and no formula between dollar signs."""
    return printable(text).replace("$", "\\$")


def save_figure(figure: "Figure", path: str | PathLike) -> None:
    """Writes a picture whole or not at all; the same picture gives the same bytes.

    Args:
        figure: Of `new_figure`.
        path: Its ending says the format (.png, .pdf, .svg); without one it is a PNG.

    Raises:
        ValueError: If matplotlib knows no such format.
        OSError: If the file cannot be written.
    """
    path = Path(path)
    with whole_file(path) as scratch, warnings.catch_warnings():
        # a letter that the font lacks is drawn as a box: a warning for each is too much
        warnings.filterwarnings("ignore", "Glyph .* missing from|Matplotlib currently does not support", UserWarning)
        figure.savefig(scratch, dpi=DPI, format=path.suffix[1:] or "png")

"""The oracle: reference inputs and outputs, which exist only next to a maintainer's checkout."""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[2] / "shared"


def load(*parts: str) -> dict[str, np.ndarray]:
    """The arrays of one `.npz` file in `reference/`."""
    with np.load(FOLDER.joinpath("reference", *parts)) as arrays:
        return dict(arrays)


def clip() -> Path:
    """The MagnaTagATune clip that the reference outputs were computed on."""
    return next((FOLDER / "audio").glob("joram-*.mp3"))

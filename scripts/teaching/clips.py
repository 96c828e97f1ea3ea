"""Computed clips: each depends only on its name, not on the clips made before."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from scripts.teaching import store
from scripts.teaching.recording import rms

VERSION = "teaching-1"  # change it whenever what is drawn for any clip changes
_ATTEMPTS = 20
_SILENT = 1e-4  # -80 dB of full scale
_PEAK = 0.95


def rng_of(part: str, name: str, attempt: int = 0) -> Random:
    """Makes a random generator that depends only on names, on every machine."""
    return Random(f"{VERSION}/{part}/{name}/{attempt}")


def share_of(part: str, items: Sequence[Any], scale: float) -> list[Any]:
    """Returns the first items of a fixed random order, so that a small share covers everything."""
    items = list(items)
    rng_of(part, "order").shuffle(items)
    return items[: math.ceil(len(items) * scale)]


def make_clip(
    out: Path, part: str, name: str, draw: Callable[[Random], np.ndarray], may_be_silent: bool = False
) -> None:
    """Writes a clip. A silent clip is drawn again, because some programs are silent in a part of their range.

    Args:
        out: The folder of teaching audio.
        part: Its part.
        name: Of the clip, and of its file.
        draw: Draws the samples, float (samples,) from -1 to 1.
        may_be_silent: Whether silence is what is wanted.
    """
    for attempt in range(_ATTEMPTS):
        samples = draw(rng_of(part, name, attempt))
        if may_be_silent or rms(samples) >= _SILENT:
            store.write_flac(path_of(out, part, name), samples)
            return
    raise RuntimeError(
        f"The clip {name} of {part} is silent in all {_ATTEMPTS} attempts, which is an error of this script."
    )


def path_of(out: Path, part: str, name: str) -> Path:
    """The file of a clip."""
    return out / part / f"{name}.flac"


def at_level(samples: np.ndarray, loudness_db: float) -> np.ndarray:
    """Scales samples to a root mean square in dB of full scale, or to less if their peaks would be clipped."""
    loudness, peak = rms(samples), float(np.abs(samples).max())
    if loudness < 1e-7:
        return samples
    return samples * min(10 ** (loudness_db / 20) / loudness, _PEAK / peak)

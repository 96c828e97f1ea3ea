"""A compander as sox's: the level is followed, and a curve over it says the gain.

Source: the effect "compand" of sox 14.4.2, for one channel; written anew, no code taken. `sox -V6` prints the pieces
of the curve, and they are ours.
"""

import functools
import itertools
from dataclasses import dataclass

import numpy as np

DB = np.log(10) / 20  # of a decibel, in nepers: the curve is computed in natural logarithms
KNEE_DB = 0.01  # sox rounds every corner of the curve, by this radius where none is named


@dataclass(frozen=True)
class Compander:
    """Settings of a compander.

    Attributes:
        attack_seconds, decay_seconds: How fast the level follows a louder and a softer sound.
        points_db: Pairs (level in, level out) in dB, rising; the last is at 0 dB in.
        gain_db: Applied behind the curve.
        delay_seconds: How much earlier the gain is than the sound. The output is not delayed.
    """

    attack_seconds: float
    decay_seconds: float
    points_db: tuple[tuple[float, float], ...]
    gain_db: float = 0.0
    delay_seconds: float = 0.0


def compand(samples: np.ndarray, sample_rate_hz: float, settings: Compander) -> np.ndarray:
    """Applies a compander.

    Args:
        samples: Float64 (samples,), full scale is 1.
        sample_rate_hz: Their sample rate, Hz.
        settings: A `Compander`.

    Returns:
        Float64 (samples,), not clipped.
    """
    times = (settings.attack_seconds, settings.decay_seconds)
    attack, decay = (-np.expm1(-1 / (sample_rate_hz * seconds)) for seconds in times)
    level = _follower()(np.abs(samples), attack, decay, 1.0)  # it starts at full scale: the first sound is soft
    gain = _gain(level, settings)
    delay = min(int(settings.delay_seconds * sample_rate_hz), len(samples))
    return samples * np.concatenate([gain[delay:], np.full(delay, gain[-1])])


@functools.cache
def _follower():
    """The loop over samples, compiled on first use: 2 ms for a clip of 29 s, 140 ms as plain Python."""
    import numba  # takes half a second, and compiling takes another

    @numba.njit(nogil=True)
    def follow(magnitude, attack, decay, level):
        levels = np.empty_like(magnitude)
        for i in range(len(magnitude)):
            step = magnitude[i] - level
            level += step * (attack if step > 0 else decay)
            levels[i] = level
        return levels

    return follow


def _gain(level: np.ndarray, settings: Compander) -> np.ndarray:
    """The factor for each level; below the curve's first piece it is constant."""
    start, height, slope, bend = _pieces(settings)
    log_level = np.log(np.maximum(level, np.exp(start[0])))
    piece = np.maximum(np.searchsorted(start, log_level) - 1, 0)
    beyond = log_level - start[piece]
    return np.exp(height[piece] + beyond * (bend[piece] * beyond + slope[piece]))


@functools.cache
def _pieces(settings: Compander) -> np.ndarray:
    """The curve of log gain over log level, in nepers: parabolas (at the corners) and lines by turns.

    Returns:
        Float64 (4, pieces): where a piece starts, its height there, its slope there, its bend.
    """
    levels, outs = np.array(settings.points_db).T
    points = np.stack([levels, outs - levels + settings.gain_db], axis=1) * DB
    knee = KNEE_DB * DB
    end = points[0] - [2 * knee, 0]  # a flat tail below the first point, so that it is a corner too
    pieces = []
    for corner, following in itertools.pairwise(points):
        before = _on_the_way(corner, end, knee)
        end = _on_the_way(corner, following, knee)
        pieces.append(_parabola(before, corner, end))
        slope = (following[1] - corner[1]) / (following[0] - corner[0])
        pieces.append((*end, slope, 0.0))
    return np.array(pieces).T


def _on_the_way(start: np.ndarray, goal: np.ndarray, distance: float) -> np.ndarray:
    """The point at a distance from `start` towards `goal`, which is farther away."""
    way = goal - start
    return start + way * (distance / np.hypot(*way))


def _parabola(before: np.ndarray, corner: np.ndarray, after: np.ndarray) -> tuple[float, float, float, float]:
    """From before the corner to after it, through the mean of the three points."""
    (x1, y1), (x2, y2) = (before + corner + after) / 3 - before, after - before
    bend = (y2 / x2 - y1 / x1) / (x2 - x1)
    return (*before, y1 / x1 - bend * x1, bend)

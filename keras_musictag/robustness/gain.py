"""Louder or softer, clipped at full scale."""

import numpy as np

VERSION = 1


def gain(samples: np.ndarray, decibels: float) -> np.ndarray:
    """Multiplies by 10 ** (decibels / 20), and clips.

    Args:
        samples: Float32 (samples,).
        decibels: Above 0 is louder.

    Returns:
        Float32 (samples,), in [-1, 1]. It is not rounded to 16 bits: what was soft keeps its detail.

    Example:
        >>> gain(np.array([0.5, -0.1], np.float32), 20).tolist()
        [1.0, -1.0]
    """
    return (samples * 10 ** (decibels / 20)).clip(-1, 1).astype(np.float32)

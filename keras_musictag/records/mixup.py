"""Mixup: a batch becomes a weighted mean of itself and of itself shifted by one example, labels included."""

from typing import TypeVar

import numpy as np

from keras_musictag.records.crops import MIXUP, stateless_hash

Array = TypeVar("Array")  # an array of NumPy, TensorFlow or another library


def draw_share(alpha: float, *, seed: int, epoch: int, batch: int, worker: int = 0) -> np.float32:
    """The share that each example keeps of itself, drawn from Beta(alpha, alpha) once per batch.

    Args:
        alpha: Near 0, one of the two examples mostly dominates; at 1, all shares are equally likely.
        seed: Seed of the training run.
        epoch: From 0.
        batch: Position of the batch in the epoch.
        worker: Which of several workers makes the batch.

    Returns:
        A float32 from 0 to 1.

    Source:
        Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.

    Example:
        >>> bool(0 <= draw_share(0.4, seed=0, epoch=0, batch=0) <= 1)
        True
    """
    random = np.random.default_rng(int(stateless_hash(MIXUP, seed, epoch, batch, worker)))
    return np.float32(random.beta(alpha, alpha))


def mix(values: Array, rolled: Array, share: float) -> Array:
    """`share * values + (1 - share) * rolled`.

    Args:
        values: Float32 (batch, ...), chunks or labels.
        rolled: The same, with each example replaced by its partner.
        share: The share from `draw_share`.

    Returns:
        Float32 (batch, ...).

    Example:
        >>> labels = np.array([[1.0, 0.0], [0.0, 1.0]])
        >>> mix(labels, np.roll(labels, 1, axis=0), 0.75).tolist()
        [[0.75, 0.25], [0.25, 0.75]]
    """
    return share * values + (1 - share) * rolled

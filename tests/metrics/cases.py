"""Targets and scores for the tests of all metrics: name -> (targets, scores), each (rows, tags)."""

import numpy as np

ROWS, TAGS = 120, 4


def _targets() -> np.ndarray:
    return np.random.default_rng(7).random((ROWS, TAGS)) < [0.5, 0.2, 0.05, 0.9]


def _noisy() -> np.ndarray:
    return _targets() + np.random.default_rng(8).normal(0, 1, (ROWS, TAGS))


CASES = {
    "random": (_targets(), np.random.default_rng(9).random((ROWS, TAGS))),
    "informed": (_targets(), _noisy()),
    "float32": (_targets(), _noisy().astype(np.float32)),
    "tied": (_targets(), np.round(_noisy())),
    "two values": (_targets(), (_noisy() > 0.5).astype(float)),
    "constant": (_targets(), np.full((ROWS, TAGS), 0.5)),
    "perfect": (_targets(), _targets().astype(float)),
    "inverted": (_targets(), -_targets().astype(float)),
    "two rows": (np.array([[True], [False]]), np.array([[0.1], [0.2]])),
}
WEIGHTS = np.random.default_rng(10).integers(0, 4, ROWS)  # some are 0

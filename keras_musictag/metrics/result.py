"""What a metric gives: per tag, macro, micro, and how many tags have no value."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class MetricResult:
    """One metric.

    Attributes:
        per_tag: Float64 (tags,); NaN for a tag of which the targets have one class only.
        macro: The mean over the tags that have a value; NaN if none has.
        micro: The metric over all pairs of row and tag as one list; NaN if these have one class only.
        left_out: How many tags have no value, and are not in `macro`.

    Example:
        >>> result = MetricResult.of(np.array([0.5, 1.0, np.nan]), 0.8)
        >>> result.macro, result.left_out
        (0.75, 1)
    """

    per_tag: np.ndarray
    macro: float
    micro: float
    left_out: int

    @classmethod
    def of(cls, per_tag: np.ndarray, micro: float) -> "MetricResult":
        """Adds the mean and the count."""
        missing = np.isnan(per_tag)
        return cls(per_tag, float(mean_of_known(per_tag)), float(micro), int(missing.sum()))


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean along the first axis over what is not NaN; NaN where all is (and no warning)."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return total / known.sum(axis=0)

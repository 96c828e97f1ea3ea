"""What every deformation asks of its arguments."""

from numbers import Real

import numpy as np

from keras_musictag.errors import AudioError


def check_samples(samples: np.ndarray) -> np.ndarray:
    """Float (samples,) as float32, or an error that says what is wrong with it.

    Raises:
        TypeError: If it is no array of floats.
        AudioError: If it is not mono, is empty, or holds NaN or infinite samples. (It is a ValueError too.)
    """
    samples = np.asarray(samples)
    if samples.dtype.kind != "f":
        raise TypeError(f"`samples` must be floats; `as_mono` scales integers. Received: dtype {samples.dtype}.")
    if samples.ndim != 1 or samples.size == 0:
        raise AudioError(
            f"`samples` must have shape (samples,), mono, with at least one. Received: shape {samples.shape}."
        )
    if not np.isfinite(samples).all():
        count = int(np.count_nonzero(~np.isfinite(samples)))
        raise AudioError(f"`samples` must be finite. Received: {count} of {samples.size} are NaN or infinite.")
    return samples.astype(np.float32, copy=False)


def check_amount(value: float, name: str, lowest: float, highest: float, hint: str) -> float:
    """A number within limits, as a float.

    Raises:
        TypeError: If it is no real number.
        ValueError: If it lies outside the limits; the message ends with the hint.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"`{name}` must be a number. Received: {value!r}.")
    if not lowest <= value <= highest:
        raise ValueError(f"`{name}` must be from {lowest:g} to {highest:g}. Received: {value}. {hint}")
    return float(value)

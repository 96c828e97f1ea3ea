"""Arrays as audio: integers at full scale or floats, one channel or several, become mono float32."""

import numpy as np

from keras_musictag.audio.downmix import Levels, mix, weights_of
from keras_musictag.audio.resample import check_rate_hz
from keras_musictag.audio.scale import MAX_PEAK, IntegerScale, peak_of, unscaled_floats
from keras_musictag.audio.source import what_to_pass
from keras_musictag.errors import AudioError

MAX_CHANNELS = 64  # a third-order ambisonic mix has 16; more is a damaged header or a transposed array
_ARRAY_INTEGERS = ("uint8", "int16", "int32")


def to_floats(array: np.ndarray) -> np.ndarray:
    """Scales samples of any width to full scale = 1.

    Args:
        array: Unsigned 8-bit with offset 128, signed integers, or floats; any shape.

    Returns:
        Float32 of the same shape. Integers lie in [-1, 1]; floats are not scaled.
    """
    if array.dtype.kind == "f":
        return array.astype(np.float32, copy=False)
    if array.dtype == np.uint8:
        return (array.astype(np.float32) - 128) / 128
    full_scale = 2.0 ** (8 * array.dtype.itemsize - 1)
    return array.astype(np.float32) / np.float32(full_scale)


def as_mono(array: np.ndarray, sample_rate_hz: float | None) -> np.ndarray:
    """Checks an array that a caller passes as audio, and turns it into mono float32.

    Args:
        array: (samples,) or (channels, samples); floats in [-1, 1], or uint8 (silence is 128), int16 or int32
            at full scale.
        sample_rate_hz: Its sample rate, Hz. Only checked: nothing is resampled here.

    Returns:
        Float32 (samples,), the mean of the channels: an array has no layout, so that none of them is known to be
        the centre or LFE. Where the channels cancel each other, the loudest. May share memory with `array`.

    Raises:
        TypeError: If it is no array or list of numbers, or does not hold real samples of a known scale.
        ValueError: If the sample rate is missing or lies outside 1 kHz to 768 kHz.
        AudioError: If the shape or the values cannot be audio. (It is a ValueError too.)

    Example:
        >>> as_mono(np.array([[16384, -32768], [0, 0]], np.int16), sample_rate_hz=44100)
        array([ 0.25, -0.5 ], dtype=float32)
    """
    return mono_and_notes(array, sample_rate_hz)[0]


def mono_and_notes(array: np.ndarray, sample_rate_hz: float | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """As `as_mono`, with sentences about what a listener should know: that the track is silent, or channels cancel."""
    array = _to_array(array)
    _check_dtype(array)
    if sample_rate_hz is None:
        raise ValueError(
            "An array of samples needs sample_rate=..., such as sample_rate=44100: 44.1 kHz samples in a "
            "16 kHz model give wrong tags without any error."
        )
    check_rate_hz(sample_rate_hz, "The sample rate of an array")
    _check_shape(array)
    if array.dtype.kind == "f":
        _check_values(array)  # before float32, which makes 1e300 infinite
    scale = IntegerScale()
    scale.add(array)
    scale.check("The array")
    channels = np.atleast_2d(to_floats(array))
    return _mix(channels, sample_rate_hz)


def _mix(channels: np.ndarray, rate_hz: float) -> tuple[np.ndarray, tuple[str, ...]]:
    weights, levels = weights_of(("unknown",) * len(channels)), Levels()
    mono = mix(channels, weights)
    second = round(rate_hz)
    for start in range(0, len(mono), second):
        levels.add(channels[:, start : start + second], mono[start : start + second], weights, rate_hz)
    loudest = levels.loudest_if_cancelled()
    if loudest is None:
        return mono, levels.notes()
    return channels[loudest], (levels.used_alone(),)


def _to_array(audio) -> np.ndarray:
    """Anything NumPy takes for an array, or for a list of numbers."""
    try:
        array = np.asarray(audio)
    except ValueError:  # lists of several lengths
        array = np.array(None)
    bare_numbers = array.ndim > 0 and array.dtype.kind in "biufc" and not isinstance(audio, bytearray)
    if not (hasattr(audio, "dtype") or bare_numbers):
        raise TypeError(
            "Audio must be a path, a binary file (wrap bytes in io.BytesIO) or an array of one track; one track "
            f"at a time. Received: {type(audio).__name__}. {what_to_pass(audio)}".rstrip()
        )
    return array


def _check_dtype(array: np.ndarray) -> None:
    if array.dtype.kind != "f" and array.dtype.name not in _ARRAY_INTEGERS:
        raise TypeError(
            f"An array of samples must hold floats in [-1, 1], or {', '.join(_ARRAY_INTEGERS)} at full "
            f"scale. Received: dtype {array.dtype}. Convert it first, such as by array.astype('int16')."
        )


def _check_shape(array: np.ndarray) -> None:
    wanted = "An array of samples must have shape (samples,) or (channels, samples)"
    if array.ndim not in (1, 2):
        raise AudioError(f"{wanted}. Received: shape {array.shape}. Pass one track at a time.")
    if array.size == 0:
        raise AudioError(f"{wanted} with at least one sample. Received: shape {array.shape}, which is empty.")
    if array.ndim == 2 and array.shape[0] > MAX_CHANNELS:
        transposed = array.shape[1] <= MAX_CHANNELS
        hint = "Is it (samples, channels)? Pass array.T." if transposed else "Pass one track at a time."
        raise AudioError(f"{wanted}, at most {MAX_CHANNELS} channels. Received: shape {array.shape}. {hint}")


def _check_values(floats: np.ndarray) -> None:
    peak = peak_of(floats)
    if not np.isfinite(peak):
        count = int(np.count_nonzero(~np.isfinite(floats)))
        raise AudioError(
            f"An array of samples must be finite. Received: {count} of {floats.size} samples are NaN or "
            "infinite. Look for a division by zero before, or pass np.nan_to_num(array)."
        )
    if peak > MAX_PEAK:
        raise unscaled_floats("The array", peak)

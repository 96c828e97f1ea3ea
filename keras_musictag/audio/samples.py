"""Checks and converts samples: arrays of integers or floats, with one channel or several, become mono float32.

Samples on the wrong scale (unscaled floats, or 16-bit samples in wider integers) are refused, in arrays and in files,
because every score would be wrong. Nothing is rescaled by guessing.
"""

import numpy as np

from keras_musictag.audio.downmix import Levels, mix_channels, weights_of
from keras_musictag.audio.resampling import check_rate_hz
from keras_musictag.audio.source import what_to_pass
from keras_musictag.errors import AudioError

MAX_PEAK = 10.0  # floats are within 1: a hot mix reaches 2 or 3, unscaled 16-bit samples reach thousands
_INT16_PEAK = 2**15
_AUDIBLE_INT16 = 33  # -60 dB at 16 bits: wide integers below it are almost silent on either scale
MAX_CHANNELS = 64  # a third-order ambisonic mix has 16; more than 64 means a damaged header or a transposed array
_ARRAY_INTEGERS = ("uint8", "int16", "int32")


def to_floats(array: np.ndarray) -> np.ndarray:
    """Converts samples of any width to float32 with a full scale of 1.

    Args:
        array: Unsigned 8-bit with offset 128, signed integers, or floats; any shape.

    Returns:
        Float32 of the same shape. Integers are scaled to [-1, 1]; floats are not scaled.

    Example:
        >>> to_floats(np.array([-32768, 0, 16384], np.int16)).tolist()
        [-1.0, 0.0, 0.5]
    """
    if array.dtype.kind == "f":
        return array.astype(np.float32, copy=False)
    if array.dtype == np.uint8:
        return (array.astype(np.float32) - 128) / 128
    full_scale = 2.0 ** (8 * array.dtype.itemsize - 1)
    return array.astype(np.float32) / np.float32(full_scale)


def peak_of(samples: np.ndarray) -> float:
    """Returns the largest distance from 0; NaN if any sample is NaN."""
    return float(max(samples.max(), -samples.min()))


def unscaled_floats(subject: str, peak: float, at_least: bool = False) -> AudioError:
    """Returns the error for floats beyond `MAX_PEAK`; `at_least` says that later samples may be larger.

    Example:
        >>> print(unscaled_floats("It", 20000.0))
        It holds floats beyond full scale; expected [-1, 1]. Received: a peak of 20000. Divide 16-bit samples by 32768.
    """
    more = " or more" if at_least else ""
    return AudioError(
        f"{subject} holds floats beyond full scale; expected [-1, 1]. Received: a peak of {peak:g}{more}. "
        "Divide 16-bit samples by 32768."
    )


class IntegerScale:
    """Finds 16-bit samples in integers of 32 bits or more, where they are 96 dB too quiet.

    A recording that is really so quiet is inaudible. Samples of 24-bit formats are not mistaken for 16-bit samples,
    because their lowest byte is 0.
    """

    def __init__(self):
        self._bits, self._peak, self._is_fine = 0, 0, False

    def add(self, samples: np.ndarray) -> None:
        """Takes samples of any dtype and shape, and ignores all but wide integers."""
        if samples.dtype.kind != "i" or samples.dtype.itemsize < 4 or self._peak > _INT16_PEAK or samples.size == 0:
            return
        self._bits = 8 * samples.dtype.itemsize
        self._peak = max(self._peak, int(samples.max()), -int(samples.min()))
        self._is_fine = self._is_fine or bool((samples & 0xFF).any())

    def check(self, subject: str) -> None:
        """Raises AudioError if the track held 16-bit samples. Call it at the end of the track."""
        if self._is_fine and _AUDIBLE_INT16 <= self._peak <= _INT16_PEAK:
            raise AudioError(
                f"{subject} holds {self._bits}-bit integers that use only 16 bits, which is silence; expected up to "
                f"{2 ** (self._bits - 1):,}. Received: a peak of {self._peak:,}. If these are 16-bit samples, store "
                f"them as int16, or multiply them by {2 ** (self._bits - 16):,}."
            )


class FileScale:
    """Checks the samples of a file, frame by frame.

    Floats that are not finite become 0 and are counted. Floats beyond `MAX_PEAK` are an error in a lossless file. In a
    lossy file they may come from damaged packets: such frames become silence and are counted, and are an error only if
    most frames are like this.

    Args:
        label: The name that messages use for the file.
        is_lossless: Whether the codec keeps samples unchanged.

    Attributes:
        not_finite: How many samples were not finite.
        frames_beyond: How many frames had samples beyond `MAX_PEAK`.
    """

    def __init__(self, label: str, is_lossless: bool):
        self._label, self._is_lossless = label, is_lossless
        self._integers, self._frames, self._peak = IntegerScale(), 0, 0.0
        self.not_finite = self.frames_beyond = 0

    def clean(self, samples: np.ndarray) -> np.ndarray:
        """Takes a frame, (channels, samples) of any dtype, and returns it with damaged samples set to 0.

        Raises:
            AudioError: If a lossless file holds floats beyond `MAX_PEAK`.
        """
        self._integers.add(samples)
        self._frames += 1
        if samples.dtype.kind != "f" or samples.size == 0 or peak_of(samples) <= MAX_PEAK:
            return samples
        is_finite = np.isfinite(samples).all(axis=0)
        self.not_finite += int(np.count_nonzero(~is_finite))
        samples = np.where(is_finite, samples, 0)
        peak = peak_of(samples)
        if peak <= MAX_PEAK:
            return samples
        if self._is_lossless:
            raise unscaled_floats(self._label, peak, at_least=True)
        self.frames_beyond += 1
        self._peak = max(self._peak, peak)
        return np.zeros_like(samples)

    def check(self) -> None:
        """Raises AudioError if the samples of the file were on the wrong scale. Call it at the end of the file."""
        self._integers.check(self._label)
        if self.frames_beyond > self._frames / 2:
            raise unscaled_floats(self._label, self._peak)

    def note(self) -> str | None:
        """Returns a sentence about the samples that were set to 0; None if there were none."""
        if self.not_finite:
            if self.not_finite == 1:
                return "1 sample was not finite and was set to 0."
            return f"{self.not_finite} samples were not finite and were set to 0."
        return None


def as_mono(array: np.ndarray, sample_rate_hz: float | None) -> np.ndarray:
    """Checks an array that a caller passes as audio, and turns it into mono float32.

    Args:
        array: (samples,) or (channels, samples); floats in [-1, 1], or uint8 (silence is 128), int16 or int32
            at full scale.
        sample_rate_hz: Its sample rate, Hz. Only checked: nothing is resampled here.

    Returns:
        Float32 (samples,), the mean of the channels: an array has no layout, so none of them is known to be the centre
        or LFE. If the channels cancel each other, the loudest channel. May share memory with `array`.

    Raises:
        TypeError: If it is not an array or list of numbers, or its dtype has no known scale.
        ValueError: If the sample rate is missing, or not between 1 kHz and 768 kHz.
        AudioError: If the shape or the values cannot be audio. (It is a ValueError too.)

    Example:
        >>> as_mono(np.array([[16384, -32768], [0, 0]], np.int16), sample_rate_hz=44100)
        array([ 0.25, -0.5 ], dtype=float32)
    """
    return mono_and_notes(array, sample_rate_hz)[0]


def mono_and_notes(array: np.ndarray, sample_rate_hz: float | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Like `as_mono`, with notes for a listener: whether the track is silent, or its channels cancel each other."""
    array = _to_array(array)
    _check_dtype(array)
    if sample_rate_hz is None:
        raise ValueError(
            "An array of samples needs sample_rate=..., such as sample_rate=44100: 44.1 kHz samples in a "
            "16 kHz model would give wrong tags without an error."
        )
    check_rate_hz(sample_rate_hz, "The sample rate of an array")
    _check_shape(array)
    if array.dtype.kind == "f":
        _check_values(array)  # before float32, which makes 1e300 infinite
    scale = IntegerScale()
    scale.add(array)
    scale.check("The array")
    channels = np.atleast_2d(to_floats(array))
    return _to_mono(channels, sample_rate_hz)


def _to_mono(channels: np.ndarray, rate_hz: float) -> tuple[np.ndarray, tuple[str, ...]]:
    weights, levels = weights_of(("unknown",) * len(channels)), Levels()
    mono = mix_channels(channels, weights)
    second = round(rate_hz)
    for start in range(0, len(mono), second):
        levels.add(channels[:, start : start + second], mono[start : start + second], weights, rate_hz)
    loudest = levels.loudest_if_cancelled()
    if loudest is None:
        return mono, levels.notes()
    return channels[loudest], (levels.used_alone(),)


def _to_array(audio) -> np.ndarray:
    """Returns an array or a list of numbers as an array; raises TypeError for anything else."""
    try:
        array = np.asarray(audio)
    except ValueError:  # lists of different lengths
        array = np.array(None)
    bare_numbers = array.ndim > 0 and array.dtype.kind in "biufc" and not isinstance(audio, bytearray)
    if not (hasattr(audio, "dtype") or bare_numbers):
        raise TypeError(
            "Audio must be a path, a binary file (wrap bytes in io.BytesIO) or an array of samples; pass one track "
            f"at a time. Received: {type(audio).__name__}. {what_to_pass(audio)}".rstrip()
        )
    return array


def _check_dtype(array: np.ndarray) -> None:
    if array.dtype.kind != "f" and array.dtype.name not in _ARRAY_INTEGERS:
        raise TypeError(
            f"An array of samples must hold floats in [-1, 1], or {', '.join(_ARRAY_INTEGERS)} at full "
            f"scale. Received: dtype {array.dtype}. Convert it first, for example with array.astype('int16')."
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
            "infinite. Look for a division by zero, or pass np.nan_to_num(array)."
        )
    if peak > MAX_PEAK:
        raise unscaled_floats("The array", peak)

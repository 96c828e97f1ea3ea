"""Samples that do not lie where their type says: unscaled floats, and 16-bit samples in wider integers.

One rule for arrays and files: they are refused, as every score would be wrong. Nothing is scaled by a guess.
"""

import numpy as np

from keras_musictag.errors import AudioError

MAX_PEAK = 10.0  # floats are within 1; a hot mix reaches 2 or 3, unscaled 16-bit samples thousands
_INT16_PEAK = 2**15
_AUDIBLE_INT16 = 33  # -60 dB of 16 bits: below it, wide integers are as good as silent, whatever was meant


def peak_of(samples: np.ndarray) -> float:
    """Returns the largest distance from 0; NaN if any sample is."""
    return float(max(samples.max(), -samples.min()))


def unscaled_floats(subject: str, peak: float, at_least: bool = False) -> AudioError:
    """The error for floats beyond `MAX_PEAK`; `at_least` where more may come.

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
    """Finds 16-bit samples in integers of 32 bits or more, in which they are 96 dB too quiet.

    A recording that is truly so quiet is silent to any ear. What 24-bit formats give is not taken for it: there the
    lowest byte is 0.
    """

    def __init__(self):
        self._bits, self._peak, self._is_fine = 0, 0, False

    def add(self, samples: np.ndarray) -> None:
        """Takes in samples of any type and shape; others than wide integers are passed over."""
        if samples.dtype.kind != "i" or samples.dtype.itemsize < 4 or self._peak > _INT16_PEAK or samples.size == 0:
            return
        self._bits = 8 * samples.dtype.itemsize
        self._peak = max(self._peak, int(samples.max()), -int(samples.min()))
        self._is_fine = self._is_fine or bool((samples & 0xFF).any())

    def check(self, subject: str) -> None:
        """Raises AudioError, at the end of the track, if it holds 16-bit samples."""
        if self._is_fine and _AUDIBLE_INT16 <= self._peak <= _INT16_PEAK:
            raise AudioError(
                f"{subject} holds {self._bits}-bit integers that use 16 bits, which is silence; expected up to "
                f"{2 ** (self._bits - 1):,}. Received: a peak of {self._peak:,}. If these are 16-bit samples, store "
                f"them as int16, or multiply them by {2 ** (self._bits - 16):,}."
            )


class FileScale:
    """Checks the samples of a file, frame by frame.

    Floats that are not finite become 0, and are counted. Floats beyond `MAX_PEAK` are an error in a lossless file. A
    decoder of a lossy one makes them of damaged packets, so these frames become silence and are counted; they are an
    error where most frames are so.

    Args:
        label: What messages call the file.
        is_lossless: Whether the codec keeps the samples as they were.

    Attributes:
        not_finite: Samples that were not finite.
        frames_beyond: Frames beyond `MAX_PEAK`.
    """

    def __init__(self, label: str, is_lossless: bool):
        self._label, self._is_lossless = label, is_lossless
        self._integers, self._frames, self._peak = IntegerScale(), 0, 0.0
        self.not_finite = self.frames_beyond = 0

    def clean(self, samples: np.ndarray) -> np.ndarray:
        """Takes in a frame, (channels, samples) of any type, and returns it with damage set to 0.

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
        """Raises AudioError, at the end of the file, if its samples do not lie where their type says."""
        self._integers.check(self._label)
        if self.frames_beyond > self._frames / 2:
            raise unscaled_floats(self._label, self._peak)

    def note(self) -> str | None:
        """Returns a sentence about what was set to 0; None if nothing was."""
        if self.not_finite:
            if self.not_finite == 1:
                return "1 sample was not finite and was set to 0."
            return f"{self.not_finite} samples were not finite and were set to 0."
        return None

"""Changes the sample rate with soxr (HQ): of a whole array, or block by block with the same result."""

from numbers import Real

import numpy as np
import soxr

MIN_RATE_HZ = 1_000  # no music has a lower rate; a smaller number is a slip, such as kHz for Hz
MAX_RATE_HZ = 768_000  # the highest rate of converters and file formats


def check_rate_hz(rate_hz: float, name: str) -> None:
    """Raises an error unless a sample rate is a number from `MIN_RATE_HZ` to `MAX_RATE_HZ`.

    Args:
        rate_hz: The sample rate, Hz.
        name: The name of the argument in the message, such as "`sample_rate_hz`".

    Raises:
        TypeError: If it is not a real number.
        ValueError: If it is outside these limits.
    """
    if not isinstance(rate_hz, Real) or isinstance(rate_hz, bool):
        raise TypeError(f"{name} must be a number in Hz, such as 16000. Received: {rate_hz!r}.")
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        slip = " Did you pass kHz?" if 0 < rate_hz < MIN_RATE_HZ else ""
        raise ValueError(f"{name} must be from {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz. Received: {rate_hz}.{slip}")


def resample(samples: np.ndarray, from_hz: float, to_hz: float) -> np.ndarray:
    """Changes the sample rate of a whole mono waveform.

    Args:
        samples: Float (samples,), mono.
        from_hz: Its sample rate, Hz.
        to_hz: The wanted sample rate, Hz.

    Returns:
        Float32 (round(samples * to_hz / from_hz),), within one sample. At equal rates, the same samples.

    Raises:
        TypeError: If the samples are not floats, or a rate is not a number.
        ValueError: If the samples have more than one axis, or a rate is not between 1 kHz and 768 kHz.

    Example:
        >>> resample(np.zeros(44100, np.float32), from_hz=44100, to_hz=16000).shape
        (16000,)
    """
    samples = np.asarray(samples)
    if samples.dtype.kind != "f":
        raise TypeError(f"`samples` must be floats; `as_mono` scales integers. Received: dtype {samples.dtype}.")
    if samples.ndim != 1:
        raise ValueError(f"`samples` must be mono, shape (samples,); see `as_mono`. Received: shape {samples.shape}.")
    stream = StreamResampler(from_hz, to_hz)
    return stream.finish(samples.astype(np.float32, copy=False))


class StreamResampler:
    """Changes the sample rate of a mono stream. The joined outputs equal `resample` of the whole waveform.

    Args:
        from_hz: Sample rate of the input, Hz.
        to_hz: Sample rate of the output, Hz.

    Raises:
        TypeError: If a rate is not a number.
        ValueError: If a rate is not between 1 kHz and 768 kHz.

    Example:
        >>> stream = StreamResampler(44100, 16000)
        >>> blocks = [stream.push(np.zeros(1152, np.float32)) for _ in range(10)]
        >>> sum(map(len, blocks)) + len(stream.finish())
        4180
    """

    def __init__(self, from_hz: float, to_hz: float):
        check_rate_hz(from_hz, "`from_hz`")
        check_rate_hz(to_hz, "`to_hz`")
        self._soxr = None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, 1, quality="HQ")

    def push(self, block: np.ndarray) -> np.ndarray:
        """Takes the next block, float32 (samples,), and returns the samples that are ready; none at first."""
        return block if self._soxr is None else self._soxr.resample_chunk(block)

    def finish(self, block: np.ndarray | None = None) -> np.ndarray:
        """Takes the last block, if any, and returns the samples that were held back. Call this once, at the end."""
        block = np.zeros(0, np.float32) if block is None else block
        return block if self._soxr is None else self._soxr.resample_chunk(block, last=True)

"""Degradations beyond `audio.deform`: low-pass filter, lower sample rate, MP3 (LAME and FFmpeg's decoder), gain."""

import functools
import io

import av
import numpy as np

from keras_musictag.audio.reading import read
from keras_musictag.audio.resampling import resample

BAND_VERSION = 1
TAPS = 511  # odd, so that the delay is a whole number of samples, which is removed
KAISER_BETA = 8.6  # 86 dB down; with these taps the slope is 180 Hz wide at 16 kHz


def low_pass(samples: np.ndarray, sample_rate_hz: float, cutoff_hz: float) -> np.ndarray:
    """Removes frequencies above a cutoff, without delay.

    Args:
        samples: Float32 (samples,), with silence before and after.
        sample_rate_hz: Their sample rate, Hz.
        cutoff_hz: Frequency at which the amplitude is halved (-6 dB). At a sample rate of 16 kHz, the filter is flat up
            to 90 Hz below it, and 86 dB down from 90 Hz above it.

    Returns:
        Float32 (samples,), with the length of the input.

    Source:
        A sinc with a Kaiser window: Oppenheim and Schafer, Discrete-Time Signal Processing, 7.5.

    Example:
        >>> tone = np.sin(np.arange(16000) * 2 * np.pi * 3000 / 16000).astype(np.float32)
        >>> bool(np.abs(low_pass(tone, 16000, 2000)[1000:-1000]).max() < 1e-4)
        True
    """
    from scipy.signal import oaconvolve  # importing scipy.signal takes half a second

    return oaconvolve(samples, _filter(cutoff_hz, sample_rate_hz), mode="same").astype(np.float32)


@functools.cache
def _filter(cutoff_hz: float, sample_rate_hz: float) -> np.ndarray:
    from scipy.signal import firwin

    return firwin(TAPS, cutoff_hz, window=("kaiser", KAISER_BETA), fs=sample_rate_hz)


def there_and_back(samples: np.ndarray, sample_rate_hz: float, lower_hz: float) -> np.ndarray:
    """Resamples to a lower rate and back with soxr (HQ), which leaves what a copy at that rate keeps.

    Args:
        samples: Float32 (samples,).
        sample_rate_hz: Their sample rate, Hz.
        lower_hz: The lower rate, Hz. Frequencies above half of it are lost.

    Returns:
        Float32 (samples,), with the length of the input.

    Example:
        >>> there_and_back(np.zeros(16001, np.float32), 16000, 8000).shape
        (16001,)
    """
    copied = resample(resample(samples, sample_rate_hz, lower_hz), lower_hz, sample_rate_hz)
    return as_long_as(copied, len(samples))


def as_long_as(samples: np.ndarray, num_samples: int) -> np.ndarray:
    """Cuts the end off, or pads it with zeros, to the given length.

    Example:
        >>> as_long_as(np.array([1.0, 2.0]), 3).tolist(), as_long_as(np.array([1.0, 2.0]), 1).tolist()
        ([1.0, 2.0, 0.0], [1.0])
    """
    return np.pad(samples[:num_samples], (0, max(0, num_samples - len(samples))))


MP3_VERSION = 1


def mp3_copy(samples: np.ndarray, sample_rate_hz: int, kbit_per_second: int) -> np.ndarray:
    """Encodes a sound as MP3 and decodes it again.

    Args:
        samples: Float32 (samples,); values outside [-1, 1] are clipped, and all are rounded to 16 bits.
        sample_rate_hz: Their sample rate, Hz; one that MP3 supports, such as 16000.
        kbit_per_second: Constant bit rate; one that MP3 supports at this sample rate.

    Returns:
        Float32 (samples,), aligned with the input and equally long: the file states how much the encoder adds in front,
        and the decoder removes it. LAME makes a sound slightly softer at low bit rates. The decoded sound is not
        clipped.

    Example:
        >>> samples = np.sin(np.arange(16000) * 0.1, dtype=np.float32) / 2
        >>> copy = mp3_copy(samples, 16000, 64)
        >>> copy.shape, bool(np.corrcoef(copy, samples)[0, 1] > 0.99)
        ((16000,), True)
    """
    decoded = read(io.BytesIO(encode(samples, sample_rate_hz, kbit_per_second)), sample_rate_hz).samples
    return as_long_as(decoded, len(samples))


def encode(samples: np.ndarray, sample_rate_hz: int, kbit_per_second: int) -> bytes:
    """Encodes float32 (samples,) as a mono MP3 file. The same samples give the same bytes."""
    pcm = np.rint(samples.clip(-1, 1) * 32767).astype(np.int16)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3", options={"id3v2_version": "0", "fflags": "+bitexact"}) as container:
        stream = container.add_stream("libmp3lame", rate=sample_rate_hz, layout="mono", bit_rate=1000 * kbit_per_second)
        stream.codec_context.thread_count = 1
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis], format="s16p", layout="mono")
        frame.sample_rate = sample_rate_hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


GAIN_VERSION = 1


def gain(samples: np.ndarray, decibels: float) -> np.ndarray:
    """Multiplies by 10 ** (decibels / 20), and clips at full scale.

    Args:
        samples: Float32 (samples,).
        decibels: Gain in dB; above 0 is louder.

    Returns:
        Float32 (samples,), in [-1, 1]. Not rounded to 16 bits, so that softer sounds keep their detail.

    Example:
        >>> gain(np.array([0.5, -0.1], np.float32), 20).tolist()
        [1.0, -1.0]
    """
    return (samples * 10 ** (decibels / 20)).clip(-1, 1).astype(np.float32)

"""What is left of a sound where the upper frequencies are missing: a low-pass filter, and a lower sample rate.

MP3 and back, by LAME and FFmpeg's decoder: what a copy in that format has kept.
"""

import functools
import io

import av
import numpy as np

from keras_musictag.audio.reading import read
from keras_musictag.audio.resampling import resample

BAND_VERSION = 1
TAPS = 511  # odd: the delay is a whole number of samples, and is taken out
KAISER_BETA = 8.6  # 86 dB down; with these taps the slope is 180 Hz wide at 16 kHz


def low_pass(samples: np.ndarray, sample_rate_hz: float, cutoff_hz: float) -> np.ndarray:
    """Removes what is above a frequency, without delay.

    Args:
        samples: Float32 (samples,); before and after it there is silence.
        sample_rate_hz: Their sample rate, Hz.
        cutoff_hz: Here the filter has half its gain (-6 dB). At 16 kHz it is flat 90 Hz below, and 86 dB down 90 Hz
            above.

    Returns:
        Float32 (samples,), as many as went in.

    Source:
        A sinc with a Kaiser window: Oppenheim and Schafer, Discrete-Time Signal Processing, 7.5.

    Example:
        >>> tone = np.sin(np.arange(16000) * 2 * np.pi * 3000 / 16000).astype(np.float32)
        >>> bool(np.abs(low_pass(tone, 16000, 2000)[1000:-1000]).max() < 1e-4)
        True
    """
    from scipy.signal import oaconvolve  # scipy.signal takes half a second

    return oaconvolve(samples, _filter(cutoff_hz, sample_rate_hz), mode="same").astype(np.float32)


@functools.cache
def _filter(cutoff_hz: float, sample_rate_hz: float) -> np.ndarray:
    from scipy.signal import firwin

    return firwin(TAPS, cutoff_hz, window=("kaiser", KAISER_BETA), fs=sample_rate_hz)


def there_and_back(samples: np.ndarray, sample_rate_hz: float, lower_hz: float) -> np.ndarray:
    """Resamples to a lower rate and back, by soxr (HQ): what a copy at that rate has kept.

    Args:
        samples: Float32 (samples,).
        sample_rate_hz: Their sample rate, Hz.
        lower_hz: The rate in between, Hz. What lies above half of it is lost.

    Returns:
        Float32 (samples,), as many as went in.

    Example:
        >>> there_and_back(np.zeros(16001, np.float32), 16000, 8000).shape
        (16001,)
    """
    copied = resample(resample(samples, sample_rate_hz, lower_hz), lower_hz, sample_rate_hz)
    return as_long_as(copied, len(samples))


def as_long_as(samples: np.ndarray, num_samples: int) -> np.ndarray:
    """Cut at its end, or filled up with zeros there.

    Example:
        >>> as_long_as(np.array([1.0, 2.0]), 3).tolist(), as_long_as(np.array([1.0, 2.0]), 1).tolist()
        ([1.0, 2.0, 0.0], [1.0])
    """
    return np.pad(samples[:num_samples], (0, max(0, num_samples - len(samples))))


MP3_VERSION = 1


def mp3_copy(samples: np.ndarray, sample_rate_hz: int, kbit_per_second: int) -> np.ndarray:
    """Encodes a sound as MP3 and decodes it.

    Args:
        samples: Float32 (samples,); what lies outside [-1, 1] is clipped, and it is rounded to 16 bits.
        sample_rate_hz: Their sample rate, Hz: one that MP3 has, such as 16000.
        kbit_per_second: Bit rate, constant: one that MP3 has at this sample rate.

    Returns:
        Float32 (samples,), as many as went in, at their places: the file says how much the encoder has added in
        front, and the decoder takes it away. LAME makes a sound a little softer at low bit rates, and what it
        decodes to is not clipped.

    Example:
        >>> samples = np.sin(np.arange(16000) * 0.1, dtype=np.float32) / 2
        >>> copy = mp3_copy(samples, 16000, 64)
        >>> copy.shape, bool(np.corrcoef(copy, samples)[0, 1] > 0.99)
        ((16000,), True)
    """
    decoded = read(io.BytesIO(encode(samples, sample_rate_hz, kbit_per_second)), sample_rate_hz).samples
    return as_long_as(decoded, len(samples))


def encode(samples: np.ndarray, sample_rate_hz: int, kbit_per_second: int) -> bytes:
    """A whole MP3 file, mono, of float32 (samples,). The same samples give the same bytes."""
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

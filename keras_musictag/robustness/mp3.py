"""MP3 and back, by LAME and FFmpeg's decoder: what a copy in that format has kept."""

import io

import av
import numpy as np

from keras_musictag.audio.read import read
from keras_musictag.robustness.band import as_long_as

VERSION = 1


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

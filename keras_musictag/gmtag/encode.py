"""Samples -> MP3 as MagnaTagATune's: 32 kbit/s, mono, 16 kHz. The same samples give the same bytes."""

import io

import av
import numpy as np

from keras_musictag.gmtag.sound import SAMPLE_RATE_HZ

BITS_PER_SECOND = 32000
# no header that names the encoder, and no tags
_CONTAINER_OPTIONS = {"write_xing": "0", "id3v2_version": "0", "fflags": "+bitexact"}


def to_mp3(pcm: np.ndarray) -> bytes:
    """Encodes a clip.

    Args:
        pcm: Int16 (samples,), mono, 16 kHz.

    Returns:
        The bytes of an MP3 file: nothing but frames.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3", options=_CONTAINER_OPTIONS) as container:
        stream = container.add_stream("libmp3lame", rate=SAMPLE_RATE_HZ, layout="mono", bit_rate=BITS_PER_SECOND)
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        stream.codec_context.thread_count = 1
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm)[np.newaxis], format="s16p", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()

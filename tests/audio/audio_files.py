"""Makes audio files for tests: in memory, in any codec, with damage on request."""

import io
import os
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from keras_musictag.audio import Audio, read

WAV_CODES = {"u1": 1, "i2": 1, "i3": 1, "i4": 1, "f4": 3, "f8": 3}


def sine(rate_hz=44100, seconds=2.0, freq_hz=440.0, channels=1):
    """Returns a tone of amplitude 0.5, float32 (samples, channels)."""
    tone = 0.5 * np.sin(2 * np.pi * freq_hz * np.arange(int(rate_hz * seconds)) / rate_hz)
    return np.repeat(tone.astype(np.float32)[:, None], channels, axis=1)


def wav_bytes(data: bytes, rate_hz=44100, channels=1, dtype="i2", stated_bytes=None) -> bytes:
    width = int(dtype[1])
    size = len(data) if stated_bytes is None else stated_bytes
    byte_rate = min(rate_hz * channels * width, 2**32 - 1)
    form = struct.pack("<HHIIHH", WAV_CODES[dtype], channels, rate_hz, byte_rate, channels * width, 8 * width)
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", min(36 + size, 2**32 - 1)) + b"WAVE" + chunks


def wav_of(samples: np.ndarray, rate_hz=44100, dtype="i2", **header) -> bytes:
    """Returns a WAV file of float (samples, channels)."""
    if dtype == "u1":
        data = np.round(samples * 127 + 128).astype("u1").tobytes()
    elif dtype == "i3":
        data = np.round(samples * (2**23 - 1)).astype("<i4")[..., None].view("u1")[..., :3].tobytes()
    elif dtype[0] == "i":
        data = np.round(samples * (2.0 ** (8 * int(dtype[1]) - 1) - 1)).astype(f"<{dtype}").tobytes()
    else:
        data = samples.astype(f"<{dtype}").tobytes()
    return wav_bytes(data, rate_hz, samples.shape[1], dtype, **header)


def encode(
    samples: np.ndarray, codec: str, container: str, rate_hz=44100, layout="mono", options=None, cover=False
) -> bytes:
    """Encodes float32 (samples, channels) with PyAV; `container` is FFmpeg's name of the format."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, container_options=options or {}) as out:
        codec_options = {"strict": "experimental"} if codec == "vorbis" else {}
        stream = out.add_stream(codec, rate=rate_hz, layout=layout, options=codec_options)
        if cover:
            picture = out.add_stream("png", rate=1)
            picture.width = picture.height = 16
            picture.pix_fmt = "rgb24"
            picture.disposition = av.stream.Disposition.attached_pic
            image = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            for packet in [*picture.encode(image), *picture.encode(None)]:
                out.mux(packet)
        context = stream.codec_context
        if not context.is_open:
            context.open()
        shaper = av.AudioResampler(
            format=context.format.name, layout=layout, rate=rate_hz, frame_size=context.frame_size or 1024
        )
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
        for piece in [*shaper.resample(frame), *shaper.resample(None)]:
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return file.getvalue()


def read_bytes(data: bytes, *args, **kwargs) -> Audio:
    return read(io.BytesIO(data), *args, **kwargs)


def freq_hz_and_amplitude(samples, rate_hz):
    """Returns the strongest frequency of a steady tone, within 0.5 Hz, and its amplitude, from its RMS."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 4 * rate_hz))
    return power.argmax() / 4, np.sqrt(2 * np.mean(middle**2))


def overwritten(data: bytes, start: float, stop: float, by="noise") -> bytes:
    """Returns `data` with a part, given as shares of its length, replaced by noise or zeros."""
    a, b = int(start * len(data)), int(stop * len(data))
    part = bytes(b - a) if by == "zeros" else np.random.default_rng(0).bytes(b - a)
    return data[:a] + part + data[b:]


def open_handles(path) -> int:
    """Returns how many handles this process holds on a file."""
    return sum(os.path.realpath(link) == os.path.realpath(path) for link in Path("/proc/self/fd").iterdir())

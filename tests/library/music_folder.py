"""Writes music files for tests of the library: in every format that both FFmpeg can write and mutagen can tag."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

# suffix -> FFmpeg's names of container and codec, and the sample format
FORMATS = {
    ".mp3": ("mp3", "libmp3lame", "s16p"),
    ".ogg": ("ogg", "vorbis", "fltp"),
    ".opus": ("ogg", "libopus", "s16"),
    ".flac": ("flac", "flac", "s16"),
    ".m4a": ("ipod", "aac", "fltp"),
    ".alac.m4a": ("ipod", "alac", "s16p"),
    ".wma": ("asf", "wmav2", "fltp"),
    ".wv": ("wv", "wavpack", "s16p"),
    ".tta": ("tta", "tta", "s16"),
    ".wav": ("wav", "pcm_s16le", "s16"),
    ".aiff": ("aiff", "pcm_s16be", "s16"),
    ".aac": ("adts", "aac", "fltp"),
    ".dsf": (None, None, None),
}


def tune(seconds: float, seed: int = 0, rate_hz: int = 48000) -> np.ndarray:
    """Noise and tones, different for each seed, float32 (2, samples)."""
    generator = np.random.default_rng(seed)
    times = np.arange(int(seconds * rate_hz)) / rate_hz
    tones = sum(np.sin(2 * np.pi * hz * times) for hz in generator.uniform(100, 2000, 3))
    return (0.1 * tones + generator.normal(0, 0.02, (2, len(times)))).astype(np.float32)


def write_music(path: Path, seconds: float = 3.5, seed: int = 0) -> Path:
    """Writes a stereo file in the format of its suffix."""
    suffix = next(suffix for suffix in sorted(FORMATS, key=len, reverse=True) if path.name.endswith(suffix))
    container_name, codec, sample_format = FORMATS[suffix]
    if codec is None:
        path.write_bytes(dsf_bytes(seconds, seed))
        return path
    samples, rate_hz = tune(seconds, seed), 48000
    with av.open(str(path), "w", format=container_name) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout="stereo")
        stream.codec_context.thread_count = 1
        stream.codec_context.options = {"strict": "experimental"}  # for FFmpeg's own Vorbis
        stream.codec_context.bit_rate = 128_000
        stream.codec_context.format = sample_format
        stream.codec_context.open(strict=False)  # it then states the size of its frames
        source = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        source.sample_rate, source.time_base, source.pts = rate_hz, Fraction(1, rate_hz), 0
        resampler = av.AudioResampler(sample_format, "stereo", rate_hz, frame_size=stream.codec_context.frame_size or 0)
        for frame in [*resampler.resample(source), *resampler.resample(None)]:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def dsf_bytes(seconds: float, seed: int = 0) -> bytes:
    """A DSF file (DSD, 1 bit at 2.8 MHz, stereo) of noise; FFmpeg cannot write it. Source: Sony's DSF specification."""
    block, rate_hz = 4096, 2822400
    blocks = max(1, int(seconds * rate_hz / 8 / block))
    data = np.random.default_rng(seed).integers(0, 256, 2 * block * blocks, np.uint8).tobytes()

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, "little")

    facts = (1, 0, 2, 2, rate_hz, 1)  # version, format, stereo, channels, rate, bits
    form = b"fmt " + number(52, 8) + b"".join(number(fact, 4) for fact in facts)
    form += number(8 * block * blocks, 8) + number(block, 4) + number(0, 4)
    sound = b"data" + number(12 + len(data), 8) + data
    return b"DSD " + number(28, 8) + number(28 + len(form) + len(sound), 8) + number(0, 8) + form + sound

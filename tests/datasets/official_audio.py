"""Short real MP3 files, for the paths of a dataset."""

from pathlib import Path

import av
import numpy as np


def write_mp3(path: Path, index: int, seconds: float = 0.5, sample_rate_hz: int = 16000) -> None:
    """Writes noise and a tone whose pitch depends on the index: mono, 32 kbit/s."""
    random = np.random.default_rng(index)
    time = np.arange(round(seconds * sample_rate_hz)) / sample_rate_hz
    samples = 0.3 * np.sin(2 * np.pi * (100 + 10 * index) * time) + random.normal(0, 0.01, len(time))
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=sample_rate_hz, layout="mono")
        stream.bit_rate = 32000
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], format="fltp", layout="mono")
        frame.sample_rate = sample_rate_hz
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


def plant_bad_files(paths: list[Path], good: Path) -> list[str]:
    """Writes five unusable files, and returns what each of them is."""
    content = good.read_bytes()
    bad = {
        "empty": b"",
        "text": b"<html><body>404 Not Found</body></html>",
        "noise": np.random.default_rng(3).integers(0, 256, 4000, np.uint8).tobytes(),
        "head only": content[:60],
        "zeros": bytes(5000),
    }
    for path, damaged in zip(paths, bad.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(damaged)
    return list(bad)

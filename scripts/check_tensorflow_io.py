"""The Python program of scripts/check_tensorflow_io: reads `source` records with both decoders, and runs a tagger.

The exit code is 1 if the decoders differ by more than one step of int16, or by any offset.
"""

import os
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import av
import numpy as np
import tensorflow as tf

import keras_musictag as kmt
from keras_musictag.audio import read
from keras_musictag.datasets import csv
from keras_musictag.records import Records, prepare, train_pipeline
from keras_musictag.records.tf_data.tensorflow_io_mp3 import decode_mp3

PACKAGES = ("tensorflow", "tensorflow-io", "keras", "kapre", "numpy", "protobuf", "av")
INT16_STEP = 1 / 32768
MAX_DIFFERENCE = 1e-5  # a third of a step of int16: both decode in float32, but in a different order
CHUNK_SAMPLES = 59049
# name -> sample rate in Hz, channels, options of the encoder, options of the file; 472 is LAME's quality 4, times 118
KINDS = {
    "mono.mp3": (16000, 1, {"b": "32k"}, {}),
    "stereo.mp3": (16000, 2, {"b": "64k"}, {}),
    "variable bit rate.mp3": (16000, 1, {"flags": "+qscale", "global_quality": "472"}, {}),
    "no info frame.mp3": (16000, 1, {"b": "32k"}, {"write_xing": "0"}),
}


def write_mp3(path: Path, rate_hz: int, channels: int, codec_options: dict, file_options: dict) -> None:
    """Writes twenty seconds of noise that swells and fades, different in each channel."""
    random = np.random.default_rng(channels)
    swell = np.abs(np.sin(np.arange(20 * rate_hz) / rate_hz))
    samples = (0.2 * swell * random.normal(size=(channels, 20 * rate_hz))).clip(-1, 1).astype(np.float32)
    layout = "mono" if channels == 1 else "stereo"
    with av.open(str(path), "w", options=file_options) as container:
        stream = container.add_stream("libmp3lame", rate=rate_hz, layout=layout, options=codec_options)
        for block in np.split(samples, 20, axis=1):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=layout)
            frame.sample_rate = rate_hz
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def offset_of(one: np.ndarray, other: np.ndarray) -> int:
    """The number of samples by which `other` is late, from the peak of their correlation."""
    size = 2 * max(len(one), len(other))
    correlation = np.fft.irfft(np.fft.rfft(other, size) * np.conj(np.fft.rfft(one, size)), size)
    peak = int(correlation.argmax())
    return peak if peak < size // 2 else peak - size


def compare_files(paths: list[Path]) -> bool:
    """Prints one row per file; returns whether all are equal."""
    print(f"\n{'file':<24}{'samples PyAV':>14}{'tensorflow-io':>15}{'offset':>8}{'largest difference':>20}")
    equal = True
    for path in paths:
        ours, theirs = read(path).samples, decode_mp3(path.read_bytes()).numpy()
        offset, length = offset_of(ours, theirs), min(len(ours), len(theirs))
        difference = float(np.abs(ours[:length] - theirs[:length]).max())
        print(f"{path.name:<24}{len(ours):>14,}{len(theirs):>15,}{offset:>8}{difference:>20.1e}")
        equal &= len(ours) == len(theirs) and offset == 0 and difference < MAX_DIFFERENCE
    return equal


def make_records(folder: Path, paths: list[Path]) -> Records:
    """Prepares `source` records, all for training; every second track has the tag."""
    table = folder / "tracks.csv"
    table.write_text("path,loud,part\n" + "".join(f"{path},{i % 2},train\n" for i, path in enumerate(paths)))
    return prepare(csv.manifest(table), folder / "records", storage="source", jobs=1)


def compare_pipelines(records: Records) -> bool:
    """Reads the same crops with both decoders; prints the largest difference and the speeds."""
    batches, speeds = {}, {}
    for decoder in ("pyav", "tensorflow-io"):
        options = {"chunk_samples": CHUNK_SAMPLES, "batch_size": 4, "decoder": decoder, "epochs": 40}
        begin = time.perf_counter()
        batches[decoder] = [chunks.numpy() for chunks, _ in train_pipeline(records, **options)]
        speeds[decoder] = sum(map(len, batches[decoder])) / (time.perf_counter() - begin)
    pairs = list(zip(*batches.values(), strict=True))
    difference = max(float(np.abs(one - other).max()) for one, other in pairs) / INT16_STEP
    share = np.mean([np.mean(one != other) for one, other in pairs])
    print(
        f"\ntrain_pipeline, {sum(len(one) for one, _ in pairs)} crops of {CHUNK_SAMPLES:,} samples: largest difference"
    )
    print(
        f"{difference:g} steps of int16, in {share:.4%} of the samples; "
        + ", ".join(f"{name} {speed:.0f} crops/s" for name, speed in speeds.items())
    )
    return difference <= 1


def rejects_another_rate(folder: Path) -> bool:
    """Whether a file that PyAV would resample is an error instead of noise at the wrong pitch."""
    path = folder / "44100.mp3"
    write_mp3(path, 44100, 1, {"b": "64k"}, {})
    try:
        decode_mp3(path.read_bytes(), len(read(path, 16000).samples))
    except tf.errors.InvalidArgumentError as error:
        print(f"\nA file at 44.1 kHz is rejected: {error.message.splitlines()[0][-230:]}")
        return True
    return False


def main() -> None:
    print("Python " + sys.version.split()[0], *(f"{name} {version(name)}" for name in PACKAGES), sep=", ")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, kind in KINDS.items():
            write_mp3(folder / name, *kind)
        paths = [kmt.demo_clip(), *(folder / name for name in KINDS)]
        passed = [compare_files(paths), compare_pipelines(make_records(folder, paths)), rejects_another_rate(folder)]
    print("\nThe demo clip, tagged by musicnn:", kmt.load("musicnn").tag(kmt.demo_clip(), top=3).tags)
    if not all(passed):
        sys.exit("The decoders differ.")
    print("Both decoders agree.")


if __name__ == "__main__":
    main()

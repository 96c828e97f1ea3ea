"""Speed and memory of reading records: crops of 59,049 samples from clips of 29.1 s.

    python scripts/bench_pipeline.py [--tracks 128] [--seconds 8] [--repeats 3]

Makes MP3 clips like those of MagnaTagATune (16 kHz, mono, 32 kbps), prepares them and four times as many as `pcm` and
as `source`, and prints a table: examples per second (median of the repeats) and the peak memory of the process. Each
measurement runs in a separate process. docs/performance.md contains the output.
"""

import argparse
import collections
import io
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

CHUNK_SAMPLES, BATCH, BUFFER, RATE_HZ, SECONDS = 59049, 16, 128, 16000, 29.1
DISTINCT = 32  # files; further tracks repeat them under other names
READERS = ("tf.data", "PyDataset")
STORAGES = ("pcm", "source")


def mp3_clip(seed: int) -> bytes:
    """Notes with decaying harmonics over noise, encoded."""
    import av
    import numpy as np

    random = np.random.default_rng(seed)
    time_s = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    samples = 0.02 * random.normal(size=len(time_s))
    for pitch_hz in 110 * 2 ** (random.integers(0, 36, 4) / 12):
        age_s = (time_s + random.random()) % random.uniform(0.3, 1.2)
        samples += sum(0.1 / h * np.sin(2 * np.pi * h * pitch_hz * time_s) for h in (1, 2, 3)) * np.exp(-age_s / 0.2)
    frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], format="flt", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=RATE_HZ, layout="mono")
        stream.bit_rate = 32000
        stream.codec_context.open()
        shaper = av.AudioResampler(stream.codec_context.format.name, "mono", RATE_HZ, stream.codec_context.frame_size)
        for piece in [*shaper.resample(frame), *shaper.resample(None)]:
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return file.getvalue()


def prepare_all(scratch: Path, sizes: tuple[int, ...]) -> None:
    """Prepares the folders of records `pcm-128`, `source-128` and so on."""
    from keras_musictag.records import Manifest, Track, prepare
    from keras_musictag.tags import Vocabulary

    audio, tags = scratch / "audio", Vocabulary(tuple(f"tag{i}" for i in range(50)))
    audio.mkdir()
    for seed in range(DISTINCT):
        (audio / f"{seed}.mp3").write_bytes(mp3_clip(seed))
    for size, storage in itertools.product(sizes, STORAGES):
        tracks = [Track(f"{i}", f"{i % DISTINCT}.mp3", (tags[i % 50], tags[i % 7]), "train") for i in range(size)]
        manifest = Manifest("bench", "1", "all", tags, audio, tuple(tracks), licence="", citation="")
        prepare(manifest, scratch / f"{storage}-{size}", storage=storage, tracks_per_shard=16, report=lambda *_: None)


def measure(reader: str, folder: str, seconds: float) -> None:
    """Prints examples per second and megabytes; runs in a separate process."""
    from keras_musictag.records import Records

    records, settings = Records(folder), {"chunk_samples": CHUNK_SAMPLES, "batch_size": BATCH}
    if reader == "tf.data":
        from keras_musictag.records import train_pipeline

        batches = iter(train_pipeline(records, **settings, epochs=1000, shuffle_buffer=BUFFER))
    else:
        from concurrent.futures import ThreadPoolExecutor

        from keras_musictag.records import RecordsDataset

        batches = read_ahead(RecordsDataset(records, **settings), ThreadPoolExecutor(2))
    for _ in range(2 * BUFFER // BATCH):  # fills the buffer, and brings the files into the page cache
        next(batches)
    examples, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        examples += len(next(batches)[0])
    print(examples / (time.perf_counter() - begin), peak_mb())


def read_ahead(dataset, pool):
    """Yields batches in order, epoch after epoch, made in threads as Keras does with two workers."""
    while True:
        waiting = collections.deque()
        for index in range(len(dataset)):
            waiting.append(pool.submit(dataset.__getitem__, index))
            if len(waiting) > 4:
                yield waiting.popleft().result()
        yield from (future.result() for future in waiting)
        dataset.on_epoch_end()


def peak_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=128, help=f"more than the buffer of {BUFFER} [%(default)s]")
    parser.add_argument("--seconds", type=float, default=8.0, help="for each measurement [%(default)s]")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(*arguments.one, arguments.seconds)
        return
    sizes = (arguments.tracks, 4 * arguments.tracks)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    print("| storage | reader | tracks | examples/s | peak memory, MB |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        prepare_all(Path(scratch), sizes)
        cases = list(itertools.product(STORAGES, READERS, sizes))
        runs = {case: [] for case in cases}
        # in turn, so that changes of the machine's speed affect all cases alike
        for storage, reader, size in cases * arguments.repeats:
            command = [sys.executable, __file__, "--one", reader, f"{scratch}/{storage}-{size}"]
            command += ["--seconds", str(arguments.seconds)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            runs[storage, reader, size].append([float(number) for number in done.stdout.split()])
        for case, rows in runs.items():
            speed, megabytes = (statistics.median(column) for column in zip(*rows, strict=True))
            print("| {} | {} | {} |".format(*case), f"{speed:.0f} | {megabytes:.0f} |", flush=True)


if __name__ == "__main__":
    main()

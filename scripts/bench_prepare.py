"""Speed and memory of preparing MP3 clips, relative to the speed of decoding alone in the same run.

    python scripts/bench_prepare.py [--clips 3000] [--jobs 2] [--repeats 3]

The clips are like MagnaTagATune's: 29.1 s, MP3, 16 kHz, mono, 32 kbit/s. A few dozen are generated and linked under as
many names as requested. Prints a table: clips per second (median of the repeats) of decoding alone in the same number
of processes, and of `prepare` for both storages, from the start of the processes to the finished tables; their share of
decoding; and the peak memory of a worker, also for a quarter of the clips. docs/performance.md contains the output.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import av
import numpy as np

from keras_musictag.audio import read
from keras_musictag.records import Manifest, Track, prepare
from keras_musictag.tags import Vocabulary

SECONDS, RATE_HZ, DIFFERENT = 29.1, 16000, 48


def write_mp3(path: Path, index: int) -> None:
    """Writes tones that change every half second, and noise."""
    random = np.random.default_rng(index)
    time_ = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    hz = random.uniform(80, 3000, (3, 60))[:, (time_ * 2).astype(int)]
    samples = 0.15 * np.sin(2 * np.pi * np.cumsum(hz / RATE_HZ, axis=1)).sum(axis=0)
    samples += random.normal(0, 0.02, len(time_))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", RATE_HZ, layout="mono", format="s16p", bit_rate=32000)
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None], format="s16p", layout="mono")
        frame.sample_rate = RATE_HZ
        container.mux([*stream.encode(frame), *stream.encode(None)])


def make_manifest(folder: Path, clips: int) -> Manifest:
    """Makes the clips, and links them under as many names as requested."""
    folder.mkdir()
    for index in range(min(DIFFERENT, clips)):
        write_mp3(folder / f"made{index}.mp3", index)
    tracks = []
    for index in range(clips):
        (folder / f"{index:05d}.mp3").hardlink_to(folder / f"made{index % DIFFERENT}.mp3")
        tracks.append(Track(f"{index:05d}", f"{index:05d}.mp3", ("tone",), ("train", "valid", "test")[index % 3]))
    vocabulary = Vocabulary(("tone",))
    return Manifest("bench", "1", "all", vocabulary, folder, tuple(tracks), licence="generated", citation="none")


def decode(path: Path) -> int:
    return len(read(path, RATE_HZ).samples)


def decoding_seconds(manifest: Manifest, jobs: int) -> float:
    """Seconds of decoding alone; the processes have started before the clock does."""
    paths = [manifest.file(track) for track in manifest.tracks]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        list(pool.map(decode, paths[: 4 * jobs]))
        begin = time.perf_counter()
        list(pool.map(decode, paths, chunksize=16))
        return time.perf_counter() - begin


class PeakMemory(threading.Thread):
    """Watches this process's children for the peak memory of one of them, in MB."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most_mb, self._end = 0.0, threading.Event()

    def run(self):
        children = Path(f"/proc/{os.getpid()}/task")
        while not self._end.wait(0.1):
            for task in children.glob("*/children"):
                for child in task.read_text().split():
                    self.most_mb = max(self.most_mb, self._mb(child))

    def _mb(self, process: str) -> float:
        try:
            lines = Path(f"/proc/{process}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):  # the process has just ended
            return 0.0
        return next((float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)

    def stop(self) -> float:
        self._end.set()
        self.join()
        return self.most_mb


def preparing(manifest: Manifest, out: Path, jobs: int, storage: str) -> tuple[float, float]:
    """Seconds from the call to finished records, and the peak memory of a worker in MB."""
    watch = PeakMemory()
    watch.start()
    begin = time.perf_counter()
    records = prepare(manifest, out, jobs=jobs, storage=storage)
    seconds = time.perf_counter() - begin
    if len(records) != len(manifest.tracks):
        raise SystemExit(f"Only {len(records)} of {len(manifest.tracks)} clips were prepared: the speed means nothing.")
    shutil.rmtree(out)
    return seconds, watch.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=3000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--folder", help="Folder for clips and records, about 1 MB per clip.  [default: a temporary one]"
    )
    arguments = parser.parse_args()
    clips, jobs = arguments.clips, arguments.jobs
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        scratch = Path(scratch)
        manifest = make_manifest(scratch / "audio", clips)
        few = Manifest(**{**manifest.__dict__, "tracks": manifest.tracks[: max(1, clips // 4)]})
        seconds = {"decoding alone": [], "pcm": [], "source": []}
        memory = {}
        for _ in range(arguments.repeats):  # in turn: other work on the machine affects all alike
            seconds["decoding alone"].append(decoding_seconds(manifest, jobs))
            for storage in ("pcm", "source"):
                elapsed, memory[storage] = preparing(manifest, scratch / "out", jobs, storage)
                seconds[storage].append(elapsed)
        few_memory = {storage: preparing(few, scratch / "out", jobs, storage)[1] for storage in memory}
        print(f"{clips} clips, {jobs} processes, median of {arguments.repeats}\n")
        print(f"| | clips/s | share of decoding | MB per worker | with {len(few.tracks)} clips |")
        print("| --- | --- | --- | --- | --- |")
        for name, measured in seconds.items():
            ratios = [whole / own for whole, own in zip(seconds["decoding alone"], measured, strict=True)]
            most = f"{memory[name]:.0f} | {few_memory[name]:.0f}" if name in memory else " | "
            print(f"| {name} | {clips / statistics.median(measured):.1f} | {statistics.median(ratios):.2f} | {most} |")


if __name__ == "__main__":
    main()

"""Speed and memory of tagging a file, by the number of chunks per batch; each measurement is a separate process.

    python scripts/bench_tagging.py [--minutes 10] [--repeats 3]

Prints a table: chunks per second and speed relative to real time (median of the repeats, from file to tags, including
decoding), and the peak memory above the loaded model. docs/performance.md contains the output.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ENTRIES = ("musicnn-mtat-v1", "vgg-mtat-v1")
BATCHES = (1, 4, 8, 16)


def status_mb(key: str) -> float:
    """Memory of this process: VmRSS is the current value, VmHWM the peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith(key)).split()[1]) / 1024


def measure(entry: str, batch: int, song: str) -> None:
    """Prints chunks per second, speed relative to real time, and megabytes; runs in a separate process."""
    import keras_musictag as kmt
    from keras_musictag.tagger import track

    tagger = kmt.load(entry)
    track.BATCH_SECONDS = batch * tagger.chunk_seconds
    tagger.runner()
    loaded = status_mb("VmRSS")
    tagger.tag(kmt.demo_clip())
    begin = time.perf_counter()
    result = tagger.tag(song)
    seconds = time.perf_counter() - begin
    print(result.num_chunks / seconds, result.duration_seconds / seconds, status_mb("VmHWM") - loaded)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.one[0], int(arguments.one[1]), arguments.one[2])
        return
    from keras_musictag import demo_clip

    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    print("| entry | chunks per batch | chunks/s | times real time | MB above the loaded model |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        song = Path(scratch) / "song.mp3"
        song.write_bytes(demo_clip().read_bytes() * round(arguments.minutes * 60 / 29.2))
        for entry in ENTRIES:
            runs = {batch: [] for batch in BATCHES}
            for _ in range(arguments.repeats):  # in turn, so that changes of the machine's speed affect all alike
                for batch in BATCHES:
                    command = [sys.executable, __file__, "--one", entry, str(batch), str(song)]
                    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
                    runs[batch].append([float(number) for number in done.stdout.split()])
            for batch, rows in runs.items():
                speed, factor, megabytes = (statistics.median(column) for column in zip(*rows, strict=True))
                print(f"| {entry} | {batch} | {speed:.0f} | {factor:.0f} | {megabytes:.0f} |", flush=True)


if __name__ == "__main__":
    main()

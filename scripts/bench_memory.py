"""Memory that tagging takes, by the length of the file: an MP3 is processed as a stream, so memory must not grow.

    python scripts/bench_memory.py [--model musicnn] [--minutes 5 20 120]

Tags one file after another in a separate process, the shortest first, and prints its peak memory above the loaded model
so far. Linux only. docs/performance.md contains the output.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_tagging import status_mb

CLIP_MINUTES = 29.2 / 60


def measure(model: str, songs: list[str]) -> None:
    """Prints the minutes, chunks and megabytes of each song; runs in a separate process."""
    import keras_musictag as kmt

    tagger = kmt.load(model)
    tagger.runner()
    loaded = status_mb("VmRSS")
    for song in songs:
        result = tagger.tag(song)
        print(result.duration_seconds / 60, result.num_chunks, status_mb("VmHWM") - loaded, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="musicnn")
    parser.add_argument("--minutes", type=float, nargs="+", default=[5, 20, 120])
    parser.add_argument("--songs", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.songs:
        measure(arguments.model, arguments.songs)
        return
    from keras_musictag import demo_clip

    print("| minutes | chunks | MB above the loaded model |")
    print("| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        songs = []
        for minutes in sorted(arguments.minutes):
            songs.append(Path(scratch) / f"{minutes:g}.mp3")  # MP3 frames follow each other without a header
            songs[-1].write_bytes(demo_clip().read_bytes() * round(minutes / CLIP_MINUTES))
        command = [sys.executable, __file__, "--model", arguments.model, "--songs", *map(str, songs)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    for line in done.stdout.splitlines():
        minutes, chunks, megabytes = map(float, line.split())
        print(f"| {minutes:.1f} | {chunks:.0f} | {megabytes:.0f} |")


if __name__ == "__main__":
    main()

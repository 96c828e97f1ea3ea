"""Memory that `library scan` takes, by the length of a file: all of its processes together, at their peak.

    python scripts/bench_library_memory.py [--model musicnn] [--engines keras onnx litert] [--minutes 3 30 180]

Each row is one run of the command on a folder with one MP3 (44.1 kHz, stereo, 192 kbit/s). The memory of the process
and its children is read 20 times a second: RSS counts pages that processes share in each of them, PSS counts them once.
Linux only. docs/performance.md contains the output.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

RATE_HZ, SECONDS = 44100, 60
NO_HEADER = {"write_xing": "0", "id3v2_version": "0"}  # so that copies of the file, joined, are one long file


def minute_of_mp3() -> bytes:
    """One minute of chords and noise."""
    times = np.arange(RATE_HZ * SECONDS) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * hz * times * (1 + 0.001 * np.sin(times))) for hz in (110, 220, 277.2, 329.6, 1318.5))
    samples = 0.1 * chord + np.random.default_rng(0).normal(0, 0.03, (2, len(times)))
    with tempfile.NamedTemporaryFile(suffix=".mp3") as file:
        with av.open(file.name, "w", format="mp3", options=NO_HEADER) as container:
            stream = container.add_stream("libmp3lame", rate=RATE_HZ, layout="stereo", bit_rate=192_000)
            frame = av.AudioFrame.from_ndarray(samples.astype(np.float32), format="fltp", layout="stereo")
            frame.sample_rate = RATE_HZ
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return Path(file.name).read_bytes()


def family_of(root: int) -> set[int]:
    """A process and all processes below it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    family, size = {root}, 0
    while len(family) > size:
        size = len(family)
        family |= {pid for pid, parent in parents.items() if parent in family}
    return family


def memory_mb(root: int) -> tuple[float, float]:
    """RSS and PSS of a process and all processes below it, in MB."""
    rss = pss = 0
    for pid in family_of(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        facts = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith("kB")}
        rss, pss = rss + facts.get("Rss", 0), pss + facts.get("Pss", 0)
    return rss / 1024, pss / 1024


def measure(command: list[str]) -> tuple[float, float]:
    """Runs a command, and returns the peaks of RSS and PSS in MB."""
    peaks = (0.0, 0.0)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peaks = tuple(map(max, peaks, memory_mb(process.pid)))
            time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}.")
    return peaks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="musicnn")
    parser.add_argument("--engines", nargs="+", default=["keras", "onnx", "litert"])
    parser.add_argument("--minutes", type=float, nargs="+", default=[3, 30, 180])
    parser.add_argument("--jobs", default="2")
    arguments = parser.parse_args()
    minute = minute_of_mp3()
    print("| engine | minutes | RSS, MB | PSS, MB |\n| --- | --- | --- | --- |", flush=True)
    for engine in arguments.engines:
        for minutes in (0.1, *arguments.minutes):  # the first one also exports the model, and is not counted
            with tempfile.TemporaryDirectory() as scratch:
                music = Path(scratch) / "music"
                music.mkdir()
                (music / "a.mp3").write_bytes(minute[: int(min(1, minutes) * len(minute))] * max(1, round(minutes)))
                command = [sys.executable, "-c", "from keras_musictag.cli import main; main()", "library", "scan"]
                options = ["--db", f"{scratch}/library.db", "--model", arguments.model, "--engine", engine]
                rss, pss = measure([*command, str(music), *options, "--jobs", arguments.jobs])
            if minutes >= 1:
                print(f"| {engine} | {minutes:g} | {rss:.0f} | {pss:.0f} |", flush=True)


if __name__ == "__main__":
    main()

"""Writes tags into damaged files of every format, and takes them back.

    python scripts/fuzz_writing.py --files 2000 --seed 0

Each file must end written and restored to the byte, or left alone with a reason; nothing may be left next to it. Prints
how many had which reason. Needs the extra `test`.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from keras_musictag.library import find_run, undo_run
from tests.library.tagged_music import NAMES, make_library, music, write

HEAD_BYTES = 60_000  # where most formats have their tags: most damage is done there
MAX_SECONDS = 60  # for one file; after that the program ends with an error


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """The content with single bytes changed, or cut off, or with a part overwritten, removed or inserted."""
    content, kind, length = bytearray(content), rng.integers(5), int(rng.integers(1, 2000))
    end = min(len(content), HEAD_BYTES) if rng.random() < 0.7 else len(content)
    at = int(rng.integers(end))
    if kind == 0:
        for _ in range(rng.integers(1, 20)):
            content[rng.integers(end)] = rng.integers(256)
    elif kind == 1:
        del content[rng.integers(len(content)) :]
    elif kind == 2:
        content[at : at + length] = rng.bytes(length)
    elif kind == 3:
        del content[at : at + length]
    else:
        content[at:at] = rng.bytes(length)
    return bytes(content)


def check(name: str, content: bytes, folder: Path) -> str:
    """Writes, and undoes what was written. Returns the reason, or "written and restored"."""
    with make_library(folder, {name: content}) as database:
        path = folder / "music" / name
        report = write(database, [name])[name]
        if report.problem is None:
            (undone,) = undo_run(find_run(database.path), database)
            assert undone.problem is None, undone
        assert path.read_bytes() == content, name
        assert list(path.parent.iterdir()) == [path], name
        return (report.problem or "written and restored").partition(" (")[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, reasons, slowest = np.random.default_rng(options.seed), Counter(), 0.0
    memory = Path("/dev/shm")
    for number in range(options.files):
        name = NAMES[number % len(NAMES)]
        with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
            signal.alarm(MAX_SECONDS)
            start = time.perf_counter()
            reasons[check(name, damaged(music(name), rng), Path(folder))] += 1
            slowest = max(slowest, time.perf_counter() - start)
            signal.alarm(0)
    for reason, count in reasons.most_common():
        print(f"{count:6} {reason}")
    print(f"slowest file: {slowest:.1f} s")


if __name__ == "__main__":
    main()

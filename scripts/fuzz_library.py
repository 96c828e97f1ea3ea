"""Feeds mutated music files to the decoding workers of `library scan`: each must give a result or a problem.

    python scripts/fuzz_library.py [--files 10000] [--seed 0] [--stall 20] [--keep FOLDER]

The files are short ones of every format that the tests of the library write, changed in one of eight ways. A worker
that crashes or hangs is replaced, as in a scan; the file is then reported, and kept with `--keep`. Each line says how
much memory the worker takes, which must not grow. Linux only. docs/reliability.md contains the output.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the tests' files

from keras_musictag.audio import Chunking
from keras_musictag.library.decoding_workers import Chunk, Decoded, DecodingWorker, Failed, Identified
from tests.library.music_folder import FORMATS, write_music

CHUNKINGS = (Chunking(chunk_samples=8000, hop_samples=8000), Chunking(chunk_samples=12000, hop_samples=9000))
HEAD_BYTES = 400  # where the headers of most formats are
LOST = (
    "The decoder crashed",
    "The decoder was killed",
    "The decoder made no progress",
)  # how the reasons of a lost worker begin


def mutate(content: bytes, others: list[bytes], chance: np.random.Generator) -> tuple[str, bytes]:
    """Changes a file in one of eight ways, and says which."""
    data, size = bytearray(content), len(content)
    kind = chance.choice(["bytes", "head", "numbers", "zeros", "cut", "insert", "repeat", "splice"])
    at = int(chance.integers(size))
    length = int(chance.integers(1, max(2, size // 4)))
    if kind == "bytes":
        for place in chance.integers(size, size=int(chance.integers(1, 200))):
            data[place] = chance.integers(256)
    elif kind == "head":
        for place in chance.integers(min(size, HEAD_BYTES), size=int(chance.integers(1, 20))):
            data[place] = chance.integers(256)
    elif kind == "numbers":  # extreme numbers where the headers have sizes, rates and counts
        for place in chance.integers(min(size, HEAD_BYTES), size=int(chance.integers(1, 4))):
            data[place : place + 4] = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1"][
                chance.integers(4)
            ]
    elif kind == "zeros":
        data[at : at + length] = bytes(len(data[at : at + length]))
    elif kind == "cut":
        del data[at:]
    elif kind == "insert":
        data[at:at] = chance.bytes(length)
    elif kind == "repeat":
        data[at:at] = data[at : at + length]
    else:
        other = others[chance.integers(len(others))]
        data[at:] = other[int(chance.integers(len(other))) :]
    return str(kind), bytes(data)


def outcome(worker: DecodingWorker, path: Path) -> str:
    """Has a worker read a file: "decoded", "damaged" (with a note) or the reason of the problem."""
    worker.send(str(path))
    message = worker.receive()
    if isinstance(message, Identified):
        worker.send(CHUNKINGS)
        chunks = 0
        while not isinstance(message := worker.receive(), Decoded | Failed):
            if isinstance(message, Chunk):
                chunks += 1
                assert np.isfinite(message.samples).all() and np.abs(message.samples).max() < 100
        if isinstance(message, Decoded):
            assert chunks and message.duration_seconds > 0
            return "with a note" if message.notes else "without a note"
    assert message.reason.endswith((".", "?", ")")), message.reason
    return message.reason


def memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--stall", type=float, default=20.0, help="seconds without progress after which a worker is ended"
    )
    parser.add_argument("--keep", type=Path, help="folder for the files on which a worker crashed or hung")
    arguments = parser.parse_args()
    chance, counts, memory = np.random.default_rng(arguments.seed), Counter(), []
    worker, begin = DecodingWorker(arguments.stall), time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        originals = {suffix: write_music(Path(scratch) / f"a{suffix}", 1.0).read_bytes() for suffix in FORMATS}
        suffixes, others = list(originals), list(originals.values())
        for number in range(arguments.files):
            suffix = suffixes[number % len(suffixes)]
            kind, content = mutate(originals[suffix], others, chance)
            path = Path(scratch) / f"mutated{suffix}"
            path.write_bytes(content)
            found = outcome(worker, path)
            lost = found.startswith(LOST)
            counts["lost: " + found if lost else found if found.startswith("with") else "problem"] += 1
            if lost:
                print(f"file {number} ({suffix}, {kind}): {found}", flush=True)
                if arguments.keep:
                    arguments.keep.mkdir(parents=True, exist_ok=True)
                    (arguments.keep / f"{number}{suffix}").write_bytes(content)
            if (number + 1) % 1000 == 0 or number + 1 == arguments.files:
                memory.append(memory_mb(worker.process.pid))
                print(
                    f"{number + 1} files, {time.monotonic() - begin:.0f} s, {memory[-1]:.0f} MB: {dict(counts)}",
                    flush=True,
                )
    worker.stop()


if __name__ == "__main__":
    main()

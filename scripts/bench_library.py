"""Speed of `library scan`, from music files to rows in the database, and the share of the limit that it reaches.

    python scripts/bench_library.py --music FOLDER [--files 20] [--models musicnn vgg] [--engines keras onnx]

Makes files of 3 to 6 minutes, half MP3 and half FLAC, 44.1 kHz stereo, from pieces of the recordings in FOLDER in
random order. Each row is one process. It measures in turn: the core-seconds that decoding and resampling take alone,
those that the network takes alone on as many chunks, and a scan. The limit is the sum of the first two, divided by the
cores. On a machine that others use at the same time, the share of the processor time says more than that of the wall
time. docs/performance.md contains the output.
"""

import argparse
import io
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE_HZ, PIECE_SECONDS, SECONDS = 44100, 25, (180, 360)
NO_HEADER = {"write_xing": "0", "id3v2_version": "0"}  # so that pieces, joined, are one file


def pieces_of(folder: Path) -> list[np.ndarray]:
    """Int16 (2, samples) of the recordings in a folder."""
    pieces = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (".ogg", ".mp3", ".flac", ".wav", ".m4a")):
        resampler = av.AudioResampler("s16p", "stereo", RATE_HZ)
        with av.open(str(path)) as container:
            frames = [each for frame in container.decode(audio=0) for each in resampler.resample(frame)]
        samples = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
        step = RATE_HZ * PIECE_SECONDS
        pieces += [samples[:, at : at + step] for at in range(0, samples.shape[1] - step + 1, step)]
    if not pieces:
        raise SystemExit(f"{folder} holds no recordings of {PIECE_SECONDS} s or more.")
    return pieces


def encode(samples: np.ndarray, container_name: str, codec: str, sample_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    header = NO_HEADER if container_name == "mp3" else {}
    with av.open(buffer, "w", format=container_name, options=header) as container:
        stream = container.add_stream(codec, rate=RATE_HZ, layout="stereo", **options)
        stream.codec_context.thread_count = 1
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="s16p", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = RATE_HZ, Fraction(1, RATE_HZ), 0
        resampler = av.AudioResampler(sample_format, "stereo", RATE_HZ)
        for each in resampler.resample(frame):
            container.mux(stream.encode(each))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def make_files(pieces: list[np.ndarray], folder: Path, count: int) -> None:
    """Writes the files; each has its own order of pieces, and so its own audio."""
    chance = random.Random(0)
    mp3 = [encode(piece, "mp3", "libmp3lame", "s16p", bit_rate=192_000) for piece in pieces]
    for number in range(count):
        order = [chance.randrange(len(pieces)) for _ in range(round(chance.uniform(*SECONDS) / PIECE_SECONDS))]
        if number % 2:
            content = encode(np.concatenate([pieces[i] for i in order], axis=1), "flac", "flac", "s16")
            (folder / f"{number}.flac").write_bytes(content)
        else:
            (folder / f"{number}.mp3").write_bytes(b"".join(mp3[i] for i in order))


def core_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def measure(folder: Path, model: str, engine: str, precision: str, jobs: int | None) -> None:
    """Prints a row; runs in a separate process."""
    from keras_musictag.audio import cut
    from keras_musictag.audio.reading import decode_with
    from keras_musictag.library import Database, scan
    from keras_musictag.library.network_batches import batch_chunks
    from keras_musictag.library.scan_models import choose_model

    tagger = choose_model(model, engine=engine, precision=precision).open()
    chunking, paths = tagger.chunking, sorted(folder.iterdir())
    chunks, seconds = 0, 0.0
    begin = core_seconds()
    for path in paths:
        count, stream = decode_with(lambda stream: sum(1 for _ in cut(stream, chunking)), path, chunking.sample_rate_hz)
        chunks, seconds = chunks + count, seconds + stream.duration_seconds
    decoding = core_seconds() - begin

    batch = np.random.default_rng(0).normal(0, 0.1, (batch_chunks(chunking), chunking.chunk_samples)).astype("float32")
    for _ in range(3):
        tagger.chunk_outputs(batch)
    begin, begin_wall = core_seconds(), time.perf_counter()
    for _ in range(chunks // len(batch)):
        tagger.chunk_outputs(batch)
    network, network_wall = core_seconds() - begin, time.perf_counter() - begin_wall

    with tempfile.TemporaryDirectory() as scratch, Database(f"{scratch}/library.db", create=True) as database:
        begin, begin_wall = core_seconds(), time.perf_counter()
        options = {} if engine == "keras" else {"engine": engine}
        summary = scan([folder], database, [model], precision=precision, jobs=jobs, **options)
        spent, wall = core_seconds() - begin, time.perf_counter() - begin_wall
    assert summary.tagged == len(paths), summary
    cores = len(os.sched_getaffinity(0))
    limit = (decoding + network) / cores
    print(
        f"| {model} | {engine} | {precision} | {seconds / decoding:.0f} | {seconds / network:.0f} | "
        f"{seconds / network_wall:.0f} | {seconds / limit:.0f} | {seconds / wall:.0f} | {limit / wall:.0%} | "
        f"{cores * limit / spent:.0%} | {len(paths) * 3600 / wall:,.0f} | {len(paths) * 3600 / limit:,.0f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--music", type=Path, required=True)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--models", nargs="+", default=["musicnn"])
    parser.add_argument("--engines", nargs="+", default=["keras"])
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        folder, model, engine = arguments.one
        measure(Path(folder), model, engine, arguments.precision, arguments.jobs)
        return
    with tempfile.TemporaryDirectory() as scratch:
        make_files(pieces_of(arguments.music), Path(scratch), arguments.files)
        print(
            "| model | engine | precision | decoding, x real time on one core | network, x on one core | "
            "network alone, x | limit, x | scan, x | of the limit | of the processor time | tracks per hour | "
            "at the limit |"
        )
        print("|" + " --- |" * 12, flush=True)
        for model in arguments.models:
            for engine in arguments.engines:
                command = [sys.executable, __file__, "--music", ".", "--one", scratch, model, engine]
                command += ["--precision", arguments.precision]
                command += ["--jobs", str(arguments.jobs)] if arguments.jobs else []
                subprocess.run(command, check=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})


if __name__ == "__main__":
    main()

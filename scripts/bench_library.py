"""Speed of `library scan`, from music files to rows in the database, and the share of the limit that it reaches.

    python scripts/bench_library.py --music FOLDER [--files 20] [--models musicnn vgg] [--engines keras onnx]
    python scripts/bench_library.py --music FOLDER --keep FILES --files 500 --make-only
    python scripts/bench_library.py --keep FILES --files 500

Makes files of 3 to 6 minutes, half MP3 and half FLAC, 44.1 kHz stereo, from pieces of the recordings in FOLDER in
random order; `--keep` keeps them in a folder for the next run (500 files take 10 GB). Each row is one process. It
measures in turn: the core-seconds that decoding and resampling take alone, those that the network takes alone on as
many chunks, and a scan. The first two are measured on 40 of the files at most, because they do not depend on the number
of files. The limit is their sum, divided by the cores. On a machine that others use at the same time, the share of the
processor time says more than that of the wall time. docs/performance.md contains the output.
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
PIECES, PIECES_PER_RECORDING = 64, 4  # 280 MB of samples
ALONE_FILES = 40  # for the speed of decoding and of the network alone: three hours of music
NO_HEADER = {"write_xing": "0", "id3v2_version": "0"}  # so that pieces, joined, are one file


def pieces_of(folder: Path) -> list[np.ndarray]:
    """Int16 (2, samples) of pieces of the recordings in a folder, which are chosen at random."""
    suffixes = (".ogg", ".mp3", ".flac", ".wav", ".m4a")
    paths = sorted(path for path in folder.rglob("*") if path.suffix in suffixes and path.is_file())
    random.Random(0).shuffle(paths)
    pieces = []
    for path in paths:
        resampler = av.AudioResampler("s16p", "stereo", RATE_HZ)
        with av.open(str(path)) as container:
            frames = [each for frame in container.decode(audio=0) for each in resampler.resample(frame)]
        samples = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
        step = RATE_HZ * PIECE_SECONDS
        starts = range(0, samples.shape[1] - step + 1, step)[:PIECES_PER_RECORDING]
        pieces += [samples[:, at : at + step].copy() for at in starts]
        if len(pieces) >= PIECES:
            return pieces[:PIECES]
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


def make_files(music: Path | None, folder: Path, count: int) -> list[Path]:
    """Writes the files that a folder lacks; each has its own order of pieces, and so its own audio."""
    paths = [folder / f"{number}.{'flac' if number % 2 else 'mp3'}" for number in range(count)]
    if all(path.exists() for path in paths):
        return paths
    if music is None:
        raise SystemExit(f"{folder} has fewer than {count} files. Name a folder of recordings: --music FOLDER.")
    folder.mkdir(parents=True, exist_ok=True)
    pieces = pieces_of(music)
    mp3 = [encode(piece, "mp3", "libmp3lame", "s16p", bit_rate=192_000) for piece in pieces]
    for number, path in enumerate(paths):
        if path.exists():
            continue
        chance = random.Random(number)
        order = [chance.randrange(len(pieces)) for _ in range(round(chance.uniform(*SECONDS) / PIECE_SECONDS))]
        if path.suffix == ".flac":
            content = encode(np.concatenate([pieces[i] for i in order], axis=1), "flac", "flac", "s16")
        else:
            content = b"".join(mp3[i] for i in order)
        scratch = path.with_suffix(".part")
        scratch.write_bytes(content)
        scratch.rename(path)
    return paths


def core_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def measure(folder: Path, count: int, model: str, engine: str, precision: str, jobs: int | None) -> None:
    """Prints a row; runs in a separate process."""
    from keras_musictag.audio import cut
    from keras_musictag.audio.reading import decode_with
    from keras_musictag.library import Database, scan
    from keras_musictag.library.network_batches import batch_chunks
    from keras_musictag.library.scan_models import choose_model

    tagger = choose_model(model, engine=engine, precision=precision).open()
    chunking, paths = tagger.chunking, make_files(None, folder, count)
    chunks, seconds = 0, 0.0
    begin = core_seconds()
    for path in paths[:ALONE_FILES]:
        num, stream = decode_with(lambda stream: sum(1 for _ in cut(stream, chunking)), path, chunking.sample_rate_hz)
        chunks, seconds = chunks + num, seconds + stream.duration_seconds
    decoding = (core_seconds() - begin) / seconds  # core-seconds per second of music

    batch = np.random.default_rng(0).normal(0, 0.1, (batch_chunks(chunking), chunking.chunk_samples)).astype("float32")
    for _ in range(3):
        tagger.chunk_outputs(batch)
    begin, begin_wall = core_seconds(), time.perf_counter()
    for _ in range(chunks // len(batch)):
        tagger.chunk_outputs(batch)
    network, network_wall = (core_seconds() - begin) / seconds, (time.perf_counter() - begin_wall) / seconds

    with tempfile.TemporaryDirectory() as scratch, Database(f"{scratch}/library.db", create=True) as database:
        music = Path(scratch) / "music"  # only so many of the files that are kept
        music.mkdir()
        for path in paths:
            (music / path.name).symlink_to(path)
        begin, begin_wall = core_seconds(), time.perf_counter()
        summary = scan([music], database, [model], engine=engine, precision=precision, jobs=jobs)
        spent, wall = core_seconds() - begin, time.perf_counter() - begin_wall
    assert summary.tagged == count, summary
    cores = len(os.sched_getaffinity(0))
    limit = (decoding + network) / cores * summary.seconds
    print(
        f"| {model} | {engine} | {precision} | {count} | {1 / decoding:.0f} | {1 / network:.0f} | "
        f"{1 / network_wall:.0f} | {summary.seconds / limit:.0f} | {summary.seconds / wall:.0f} | {limit / wall:.0%} | "
        f"{cores * limit / spent:.0%} | {count * 3600 / wall:,.0f} | {count * 3600 / limit:,.0f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--music", type=Path, help="folder of recordings to make the files from")
    parser.add_argument("--keep", type=Path, help="folder for the files  [default: a temporary one]")
    parser.add_argument("--make-only", action="store_true", help="only make the files")
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--models", nargs="+", default=["musicnn"])
    parser.add_argument("--engines", nargs="+", default=["keras"])
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        folder, model, engine = arguments.one
        measure(Path(folder), arguments.files, model, engine, arguments.precision, arguments.jobs)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = (arguments.keep or Path(scratch)).absolute()
        make_files(arguments.music, folder, arguments.files)
        if arguments.make_only:
            return
        print(
            "| model | engine | precision | files | decoding, x real time on one core | network, x on one core | "
            "network alone, x | limit, x | scan, x | of the limit | of the processor time | tracks per hour | "
            "at the limit |"
        )
        print("|" + " --- |" * 13, flush=True)
        for model in arguments.models:
            for engine in arguments.engines:
                command = [sys.executable, __file__, "--one", str(folder), model, engine]
                command += ["--files", str(arguments.files), "--precision", arguments.precision]
                command += ["--jobs", str(arguments.jobs)] if arguments.jobs else []
                subprocess.run(command, check=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})


if __name__ == "__main__":
    main()

"""Measures search, export and report on made-up libraries.

    python scripts/bench_library_search.py [FOLDER] [--tracks 200000] [--report-tracks 100000]

Times are the shortest of several runs, with the files in the page cache, on the wall clock and in processor time; on a
machine that is shared, the second is the better estimate of the first on a quiet one. Memory is the peak of a process.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from keras_musictag.library import (
    Database,
    cosine_similarities,
    export_table,
    library_statistics,
    read_vectors,
    search_library,
    write_report_page,
)
from tests.library.synthetic import random_library


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--tracks", type=int, default=200_000)
    parser.add_argument("--report-tracks", type=int, default=100_000)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp())
    for tracks, steps in ((options.tracks, SEARCHES), (options.report_tracks, LONG)):
        place = folder / str(tracks)
        if not (place / "library.db").is_file():
            random_library(place, tracks).close()
        for name, (step, runs) in steps.items():
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(f"{tracks} tracks, {name}: {json.dumps(pool.apply(measure, (step, place, runs)))}", flush=True)


def measure(step: Callable[[Database, Path, np.ndarray], None], folder: Path, runs: int) -> dict[str, float]:
    walls, processors = [], []
    with Database(folder / "library.db") as database:
        vectors = read_vectors(database, database.find_model())
        for _ in range(runs):
            wall, processor = time.perf_counter(), time.process_time()
            step(database, folder, vectors)
            walls.append(time.perf_counter() - wall)
            processors.append(time.process_time() - processor)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall_ms": round(1e3 * min(walls), 1), "cpu_ms": round(1e3 * min(processors), 1), "peak_mb": round(peak)}


def cosine(database: Database, folder: Path, vectors: np.ndarray) -> None:
    cosine_similarities(vectors, vectors[3])


def by_example(database: Database, folder: Path, vectors: np.ndarray) -> None:
    search_library(database, example=vectors[3], model=database.find_model())


def by_words(database: Database, folder: Path, vectors: np.ndarray) -> None:
    search_library(database, "calm piano, no vocals, not techno")


def export(database: Database, folder: Path, vectors: np.ndarray) -> None:
    export_table(database, database.find_model(), folder / "table.parquet")


def report(database: Database, folder: Path, vectors: np.ndarray) -> None:
    write_report_page(folder / "report.html", library_statistics(database, database.find_model()))


SEARCHES = {"cosine": (cosine, 20), "by example": (by_example, 3), "by words": (by_words, 3)}
LONG = {"export to Parquet": (export, 1), "report": (report, 1)}

if __name__ == "__main__":
    main()

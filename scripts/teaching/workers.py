"""Processes that make files, and end with the one that started them."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from keras_musictag.errors import MusicTagError
from keras_musictag.processes import begin_worker, ctrl_c_held
from scripts.teaching.parts import module_of


def make_all(out: Path, part: str, items: Sequence[Any], jobs: int) -> Iterator[None]:
    """Makes items of a part, in several processes if `jobs` is above 1; yields after each.

    Raises:
        MusicTagError: If a process was killed, such as for want of memory, or an item cannot be made.
    """
    if jobs == 1 or len(items) < 2:
        for item in items:
            yield _make(out, part, item)
        return
    # spawn: FluidSynth and FFmpeg have threads, which do not survive a fork
    pool = ProcessPoolExecutor(min(jobs, len(items)), multiprocessing.get_context("spawn"), initializer=begin_worker)
    try:
        with ctrl_c_held():
            futures = [pool.submit(_make, out, part, item) for item in items]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise MusicTagError(
            "A process that made files was killed, perhaps because the memory was full: each needs about 0.5 GB. "
            "Run the same command again, with fewer jobs: it resumes where it stopped."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _make(out: Path, part: str, item: Any) -> None:
    module_of(part).make(out, item)

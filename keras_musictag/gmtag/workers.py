"""Processes that make clips, and end with the one that started them, in whatever way it ends."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from keras_musictag.errors import MusicTagError
from keras_musictag.gmtag.packages import Installation
from keras_musictag.processes import begin_worker, ctrl_c_held


def make_all(out: Path, clips: Sequence[tuple[str, int]], jobs: int, installation: Installation) -> Iterator[str]:
    """Makes clips in several processes.

    Args:
        out: The corpus's folder.
        clips: Pairs of part and index.
        jobs: How many processes.
        installation: Where MMA and the soundfonts lie.

    Yields:
        The name of each clip when it is done.

    Raises:
        DatasetError: If a clip cannot be made.
        MusicTagError: If a process was killed, such as for want of memory.
    """
    if not clips:
        return
    # spawn: FluidSynth and FFmpeg have threads, which do not survive a fork
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(clips)), context, initializer=begin_worker)
    try:
        with ctrl_c_held():
            futures = [pool.submit(_make, out, part, index, installation) for part, index in clips]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise MusicTagError(
            "A process that made clips was killed, perhaps for want of memory: each needs about 0.5 GB. "
            "Run the same command again, with fewer jobs: it goes on where it stopped."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _make(out: Path, part: str, index: int, installation: Installation) -> str:
    from keras_musictag.gmtag.clip import make_clip  # numpy, PyAV and FluidSynth: the parent needs none of them
    from keras_musictag.gmtag.store import write_clip

    row, mp3 = make_clip(part, index, installation)
    write_clip(out, row, mp3)
    return row["id"]

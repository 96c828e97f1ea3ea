"""Processes that make files, and that end when the process that started them ends."""

from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

from keras_musictag.errors import MusicTagError
from keras_musictag.processes import worker_pool
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
    killed = MusicTagError(
        "A process that makes files was killed, perhaps because memory ran out: each process needs about 0.5 GB. "
        "Run the same command again with fewer jobs: it resumes where it stopped."
    )
    with worker_pool(min(jobs, len(items)), killed) as submit:
        for future in as_completed([submit(_make, out, part, item) for item in items]):
            yield future.result()


def _make(out: Path, part: str, item: Any) -> None:
    module_of(part).make(out, item)

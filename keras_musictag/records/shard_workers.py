"""Processes that write shards. They load no TensorFlow unless features are asked for, and end with their parent."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, wait

from keras_musictag.errors import RecordsError
from keras_musictag.processes import SPAWN, begin_worker, worker_pool
from keras_musictag.records.shards import ShardJob, write_shard

POLL_SECONDS = 0.2  # how often progress is reported
_shared = None  # in a worker: the number of tracks that are done, and whether to stop


class _StoppedError(Exception):
    """In a worker: another one has failed, or the user has stopped the work."""


def write_shards(jobs: Sequence[ShardJob], processes: int, progress: Callable[[int], None]) -> None:
    """Writes shards in several processes; with one process and no front end, in this one.

    Args:
        jobs: The shards to write.
        processes: How many processes.
        progress: Called now and then with the number of tracks that are done.

    Raises:
        OSError: If a shard cannot be written; the others end, too.
        RecordsError: If a worker was killed.
    """
    if processes == 1 and not any(job.frontend for job in jobs):
        _write_here(jobs, progress)
        return
    done, stop = SPAWN.Value("q", 0), SPAWN.RawValue("b", 0)
    killed = RecordsError(
        "A worker process ended before its work was done: was it killed, as for too little memory? Run the same "
        "command again, with fewer jobs: it goes on."
    )
    with worker_pool(min(processes, max(1, len(jobs))), killed, _start_worker, (done, stop)) as submit:
        try:
            running = {submit(_work, job) for job in jobs}
            while running:
                finished, running = wait(running, POLL_SECONDS, FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                progress(done.get_obj().value)  # without the lock: a worker that was killed may hold it
        finally:  # also after Ctrl-C: each worker ends after its track, and removes what it has begun
            stop.value = 1


def _write_here(jobs: Sequence[ShardJob], progress: Callable[[int], None]) -> None:
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(done)

    for job in jobs:
        write_shard(job, count)


def _start_worker(done, stop) -> None:
    global _shared
    _shared = (done, stop)
    begin_worker()
    os.environ.update(TF_NUM_INTRAOP_THREADS="1", CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3")


def _work(job: ShardJob) -> None:
    done, stop = _shared

    def count() -> None:
        with done.get_lock():
            done.value += 1
        if stop.value:
            raise _StoppedError

    write_shard(job, count)

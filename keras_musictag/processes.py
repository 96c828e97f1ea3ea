"""Other processes: workers that ignore Ctrl-C and end with their parent, a fresh Python, and errors after late forks.

A fork copies only one thread. TensorFlow, JAX and PyTorch compute in several threads, and would pass work to those that
are missing: in a process that was forked after Keras's backend had run in its parent, the backend would wait forever.
All other parts of this package, and engines without TensorFlow, work in a forked process.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path

from keras_musictag.errors import MusicTagError


def usable_cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


SPAWN = multiprocessing.get_context("spawn")  # a fork copies none of the threads of FFmpeg, FluidSynth and TensorFlow
PACKAGE_PARENT = Path(__file__).parents[1]


@contextmanager
def worker_pool(
    processes: int, killed: MusicTagError, begin: Callable | None = None, arguments: tuple = ()
) -> Iterator[Callable[..., Future]]:
    """Worker processes for a `with` block. When the block ends, also by an error, pending work is cancelled.

    Args:
        processes: The number of processes.
        killed: The error to raise if one of them is killed, for example because memory ran out.
        begin: A function that each worker calls first. It must call `begin_worker`, which is the default.
        arguments: The arguments of `begin`.

    Yields:
        A function that takes a function and its arguments, and returns a future of the result.
    """
    pool = ProcessPoolExecutor(processes, SPAWN, begin or begin_worker, arguments)

    def submit(work: Callable, *arguments) -> Future:
        with ctrl_c_held():
            return pool.submit(work, *arguments)

    try:
        yield submit
    except BrokenProcessPool as error:
        raise killed from error
    finally:
        pool.shutdown(cancel_futures=True)


def run_python(module: str, *arguments: str, seconds: float) -> tuple[int, str]:
    """Runs a module of this package in a fresh Python without a GPU, whose memory this process may occupy.

    Args:
        module: The full name of the module.
        arguments: The command line of the module.
        seconds: The time limit.

    Returns:
        The exit code, and the last line on standard error.

    Raises:
        TimeoutError: If it takes longer.
    """
    # -P: a json.py in the working directory must not replace Python's
    command = [sys.executable, "-P", "-m", module, *arguments]
    options = {"env": _environment(), "capture_output": True, "text": True, "errors": "replace"}
    try:
        done = subprocess.run(command, **options, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    return done.returncode, (done.stderr.strip().splitlines() or ["it said nothing"])[-1]


def _environment() -> dict[str, str]:
    """The environment in which Python finds this copy of the package, and TensorFlow finds no GPU."""
    # an installed package is found anyway; on PYTHONPATH, its neighbours would come before the standard library
    installed = PACKAGE_PARENT.name in ("site-packages", "dist-packages")
    path = os.pathsep.join(filter(None, [None if installed else str(PACKAGE_PARENT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}


@contextmanager
def ctrl_c_held() -> Iterator[None]:
    """Processes that are spawned in the block ignore Ctrl-C, even while they start; this process does not.

    On Windows, which has no signal masks, this does nothing, and only `begin_worker` protects a worker.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # otherwise it would start with the first process and remove the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_worker() -> None:
    """Call this first in a worker: it then leaves Ctrl-C to the parent, and ends when the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)  # the parent was killed, else it would have stopped this process; the next run removes unfinished files


_runtime = None  # Keras's backend, once a tagger was built in this process or, before a fork, in its parent
_lost = None  # in a forked process: the runtime whose threads are missing


def note_runtime(name: str) -> None:
    """Records that a runtime has run in this process, which a later fork breaks."""
    global _runtime
    _runtime = name


def refuse_after_fork() -> None:
    """Raises an error in a process that was forked after Keras's backend had run, where a tagger would hang.

    Raises:
        MusicTagError: In such a process.
    """
    if _lost is not None:
        raise MusicTagError(
            f"Process {os.getpid()} was forked after {_lost} had run in its parent, so a tagger would hang here. Start "
            "processes with multiprocessing.get_context('spawn'), or do not use "
            f"{_lost} in the parent before the fork, and load the tagger in the forked process."
        )


def _after_fork() -> None:
    global _lost
    _lost = _lost or _runtime or ("TensorFlow" if _tensorflow_has_run() else None)


def _tensorflow_has_run() -> bool:
    """Whether TensorFlow has started its threads, for this package or for other code. A mere import survives a fork."""
    module = sys.modules.get("tensorflow.python.eager.context")  # it has no public name
    context = module.context_safe() if hasattr(module, "context_safe") else None
    return getattr(context, "_initialized", False)


if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(after_in_child=_after_fork)

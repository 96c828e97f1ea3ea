"""Other processes: workers that leave Ctrl-C to their parent and end with it; a fresh Python; forks that came too late.

A fork copies one thread. TensorFlow, JAX and PyTorch compute in several, and hand work to those that are missing: in a
process that was forked after Keras's backend had run in its parent, the backend would wait for ever. All other parts
of this package, and engines without TensorFlow, work in a forked process.
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
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


SPAWN = multiprocessing.get_context("spawn")  # a fork copies none of the threads of FFmpeg, FluidSynth and TensorFlow
PACKAGE_PARENT = Path(__file__).parents[1]


@contextmanager
def worker_pool(
    processes: int, killed: MusicTagError, begin: Callable | None = None, arguments: tuple = ()
) -> Iterator[Callable[..., Future]]:
    """Worker processes for a `with` block; at its end, however that comes, work that is not begun is given up.

    Args:
        processes: How many.
        killed: What to raise where one of them was killed, such as for want of memory.
        begin: To be called first in each worker; it calls `begin_worker`, which is the default.
        arguments: Of `begin`.

    Yields:
        A function that takes a function and its arguments, and gives a future of its result.
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
    """Runs a module of this package in a fresh Python, which sees no GPU: this process may have taken its memory.

    Args:
        module: Its full name.
        arguments: Its command line.
        seconds: How long it may take.

    Returns:
        Its exit code, and the last line that it wrote to standard error.

    Raises:
        TimeoutError: If it takes longer.
    """
    # -P: a json.py in the working directory must not be taken for Python's
    command = [sys.executable, "-P", "-m", module, *arguments]
    options = {"env": _environment(), "capture_output": True, "text": True, "errors": "replace"}
    try:
        done = subprocess.run(command, **options, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    return done.returncode, (done.stderr.strip().splitlines() or ["it said nothing"])[-1]


def _environment() -> dict[str, str]:
    """In which Python finds this very package, and TensorFlow no GPU."""
    # what is installed is found anyway; named here, all that lies beside it would come before the standard library
    installed = PACKAGE_PARENT.name in ("site-packages", "dist-packages")
    path = os.pathsep.join(filter(None, [None if installed else str(PACKAGE_PARENT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}


@contextmanager
def ctrl_c_held() -> Iterator[None]:
    """Processes that are spawned in the block never hear Ctrl-C, not even while they start; this one does.

    On Windows, which has no masks, it does nothing: there `begin_worker` alone protects a worker.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it starts with the first process, and would lift the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_worker() -> None:
    """To be called first in a worker: Ctrl-C is the parent's to handle, and when the parent ends, so does this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)  # killed, or it would have stopped this process; what was begun is removed by the next run


_runtime = None  # Keras's backend, once a tagger was built in this process or, before a fork, in its parent
_lost = None  # in a forked process: the runtime whose threads it did not get


def note_runtime(name: str) -> None:
    """Notes that a runtime works in this process: one that a later fork breaks."""
    global _runtime
    _runtime = name


def refuse_after_fork() -> None:
    """Does nothing but in a process that was forked after Keras's backend had run.

    Raises:
        MusicTagError: In such a process. What it would have done would hang.
    """
    if _lost is not None:
        raise MusicTagError(
            f"Process {os.getpid()} was forked after {_lost} had run in its parent, so a tagger would hang here. Start "
            "processes by multiprocessing.get_context('spawn'), or load the tagger in the forked process and run "
            f"nothing of {_lost} before in its parent."
        )


def _after_fork() -> None:
    global _lost
    _lost = _lost or _runtime or ("TensorFlow" if _tensorflow_has_run() else None)


def _tensorflow_has_run() -> bool:
    """Whether TensorFlow's threads are there, by whoever used it first: imported alone, it survives a fork."""
    module = sys.modules.get("tensorflow.python.eager.context")  # it has no public name
    context = module.context_safe() if hasattr(module, "context_safe") else None
    return getattr(context, "_initialized", False)


if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(after_in_child=_after_fork)

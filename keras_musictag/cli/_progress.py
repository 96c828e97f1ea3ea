"""Progress bars and interruption by Ctrl-C, for commands that can be resumed."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from keras_musictag.cli._messages import print_to_stderr
from keras_musictag.terminal import progress_bar

INTERRUPTED = 130  # the exit code that shells use for a command that Ctrl-C ended


@contextmanager
def resumable(interrupts: list | None = None) -> Iterator[None]:
    """For work that the same command can resume: Ctrl-C ends it with one line that says so.

    Args:
        interrupts: Not empty after Ctrl-C was caught elsewhere. An error after that, such as that of a worker process
            which also got it, is part of the interruption.
    """
    try:
        yield
    except (KeyboardInterrupt, Exception) as error:
        if not (interrupts or isinstance(error, KeyboardInterrupt)):
            raise
        print_to_stderr("Interrupted. Run the same command again to resume.")
        raise SystemExit(INTERRUPTED) from None


@contextmanager
def track_progress() -> Iterator[Callable[[int, int], None] | None]:
    """Yields a function that takes the number of tracks done and the total; None if no person is watching.

    The function shows a bar on standard error, with files per second and the time left. Ctrl-C is `resumable`.
    """
    with resumable(), _track_bar() as show:
        yield show


@contextmanager
def _track_bar() -> Iterator[Callable[[int, int], None] | None]:
    if not sys.stderr.isatty():
        yield None
        return
    with progress_bar() as bar:
        task = None

        def show(done: int, total: int) -> None:
            nonlocal task
            if task is None:  # tracks that an earlier run prepared must not count in the speed
                task = bar.add_task("", total=total, completed=done)
                return
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, description="" if speed is None else f"{speed:.1f} files/s")

        yield show


@contextmanager
def stoppable() -> Iterator[Callable[[], None]]:
    """Yields a function that ends the work with one line after Ctrl-C: call it where the work can end.

    A second Ctrl-C ends the work at once.
    """
    before, interrupts = signal.getsignal(signal.SIGINT), []

    def interrupt(*_):
        interrupts.append(True)
        if len(interrupts) > 1:  # not the first: inside TensorFlow it might be lost or reported as another error
            raise KeyboardInterrupt

    def stop_if_interrupted() -> None:
        if interrupts:
            raise KeyboardInterrupt

    try:
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, interrupt)
        with resumable(interrupts):
            yield stop_if_interrupted
    finally:
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, before)


@contextmanager
def training() -> Iterator[tuple[Callable, Callable, Callable]]:
    """Yields three functions to call after each step, after each epoch, and with tracks that were read or evaluated.

    Each epoch is a line on standard output. If a person is watching, a bar on standard error shows the steps of the
    epoch, the loss and the time left. Ctrl-C ends the command after the current step, with one line; a second Ctrl-C
    ends it at once.
    """
    with stoppable() as stop_if_interrupted, _training_bar() as (on_step, on_tracks):

        def unless_interrupted(function: Callable) -> Callable:
            def call(*arguments):
                stop_if_interrupted()
                function(*arguments)

            return call

        yield unless_interrupted(on_step), unless_interrupted(_print_epoch), unless_interrupted(on_tracks)


@contextmanager
def _training_bar() -> Iterator[tuple[Callable, Callable]]:
    if not sys.stderr.isatty():
        yield (lambda position, steps: None), (lambda done, total: None)
        return
    with progress_bar() as bar:
        task, shown = bar.add_task("", total=None), None

        def show(what: str, description: str, done: int, total: int) -> None:
            nonlocal shown
            if what != shown:  # the time left is for this epoch only
                bar.reset(task)
                shown = what
            bar.update(task, description=description, completed=done, total=total)

        def on_step(position, steps: int) -> None:
            loss = position.loss_sum / position.step
            show(str(position.epoch), f"epoch {position.epoch + 1}, loss {loss:.4f}", position.step, steps)

        yield on_step, lambda done, total: show("tracks", "tracks", done, total)


def _print_epoch(rows: list[dict]) -> None:
    row = rows[-1]
    best = ", best so far" if row["best"] else ""
    if "val_kl" in row:
        measures = f"divergence {row['val_kl']:.5f}, rank correlation {row['val_rank_correlation']:.4f}"
    else:
        measures = f"ROC-AUC {row['val_roc_auc']:.4f}, PR-AUC {row['val_pr_auc']:.4f}"
    print(
        f"epoch {row['epoch']} ({row['optimizer']}, {row['learning_rate']:g}): loss {row['loss']:.4f}, "
        f"validation loss {row['val_loss']:.4f}, {measures}, {row['seconds']:.0f} s{best}",
        flush=True,
    )

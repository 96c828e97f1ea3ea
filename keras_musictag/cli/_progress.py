"""A progress bar for work that says now and then how many tracks are done."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from keras_musictag.cli._messages import tell
from keras_musictag.terminal import progress_bar

INTERRUPTED = 130  # what a shell gives for a command that Ctrl-C ended


@contextmanager
def going_on_later(asked: list | None = None) -> Iterator[None]:
    """Around work that the same command goes on with: Ctrl-C ends it with one line that says so.

    Args:
        asked: Not empty once Ctrl-C was seen elsewhere: what fails then, such as a worker process that saw it, too, is
            no failure.
    """
    try:
        yield
    except (KeyboardInterrupt, Exception) as error:
        if not (asked or isinstance(error, KeyboardInterrupt)):
            raise
        tell("Interrupted. The same command goes on where it stopped.")
        raise SystemExit(INTERRUPTED) from None


@contextmanager
def counted() -> Iterator[Callable[[int, int], None] | None]:
    """A function to be called with the number of tracks that are done, and of all; None where no person is watching.

    It shows a bar on standard error, with files a second and the time left. For work that can be interrupted.
    """
    with going_on_later(), _counting_bar() as show:
        yield show


@contextmanager
def _counting_bar() -> Iterator[Callable[[int, int], None] | None]:
    if not sys.stderr.isatty():
        yield None
        return
    with progress_bar() as bar:
        task = None

        def show(done: int, total: int) -> None:
            nonlocal task
            if task is None:  # what an earlier run has done is no speed of this one
                task = bar.add_task("", total=total, completed=done)
                return
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, description="" if speed is None else f"{speed:.1f} files/s")

        yield show


@contextmanager
def training() -> Iterator[tuple[Callable, Callable, Callable]]:
    """Three functions for `training`: after each step, after each epoch, and with tracks that are read or heard.

    Each epoch is a line on standard output; where a person is watching, a bar on standard error shows the steps of the
    epoch, the loss and the time left for it. Ctrl-C ends the command behind the step, with one line; a second one at
    once.
    """
    before, asked = signal.getsignal(signal.SIGINT), []

    def interrupt(*_):
        asked.append(True)
        if len(asked) > 1:  # not the first: raised within TensorFlow it may be lost, or told as something else
            raise KeyboardInterrupt

    def unless_asked(function: Callable) -> Callable:
        def call(*arguments):
            if asked:
                raise KeyboardInterrupt
            function(*arguments)

        return call

    try:
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, interrupt)
        with going_on_later(asked), _training_bar() as (on_step, on_tracks):
            yield unless_asked(on_step), unless_asked(_print_epoch), unless_asked(on_tracks)
    finally:
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, before)


@contextmanager
def _training_bar() -> Iterator[tuple[Callable, Callable]]:
    if not sys.stderr.isatty():
        yield (lambda position, steps: None), (lambda done, total: None)
        return
    with progress_bar() as bar:
        task, shown = bar.add_task("", total=None), None

        def show(what: str, description: str, done: int, total: int) -> None:
            nonlocal shown
            if what != shown:  # the time left is that of this epoch
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

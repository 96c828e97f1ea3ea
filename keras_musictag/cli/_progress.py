"""A progress bar for work that says now and then how many tracks are done."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from keras_musictag.cli._failure import tell

INTERRUPTED = 130  # what a shell gives for a command that Ctrl-C ended


@contextmanager
def counted() -> Iterator[Callable[[int, int], None] | None]:
    """A function to be called with the number of tracks that are done, and of all; None where no person is watching.

    It shows a bar on standard error, with files a second and the time left.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = None

        def show(done: int, total: int) -> None:
            nonlocal task
            if task is None:  # what an earlier run has done is no speed of this one
                task = bar.add_task("", total=total, completed=done, rate="")
                return
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, rate="" if speed is None else f"{speed:.1f} files/s,")

        yield show


@contextmanager
def training() -> Iterator[tuple[Callable, Callable]]:
    """Two functions for `training.run.train`, after each step and after each epoch.

    Each epoch is a line on standard output; where a person is watching, a bar on standard error shows the steps of the
    epoch, the loss and the time left for it. Ctrl-C ends the command with one line.
    """
    try:
        with _training_bar() as on_step:
            yield on_step, _print_epoch
    except KeyboardInterrupt:
        tell("Interrupted. The same command goes on where it stopped.")
        raise SystemExit(INTERRUPTED) from None


@contextmanager
def _training_bar() -> Iterator[Callable]:
    if not sys.stderr.isatty():
        yield lambda position, steps: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    text = TextColumn("epoch {task.fields[epoch]}, loss {task.fields[loss]:.4f}")
    columns = (text, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, epoch=1, loss=0.0)

        def on_step(position, steps: int) -> None:
            if position.step == 1:
                bar.reset(task)
            facts = {"epoch": position.epoch + 1, "loss": position.loss_sum / position.step}
            bar.update(task, completed=position.step, total=steps, **facts)

        yield on_step


def _print_epoch(rows: list[dict]) -> None:
    row = rows[-1]
    best = ", best so far" if row["best"] else ""
    print(
        f"epoch {row['epoch']} ({row['optimizer']}, {row['learning_rate']:g}): loss {row['loss']:.4f}, "
        f"validation loss {row['val_loss']:.4f}, ROC-AUC {row['val_roc_auc']:.4f}, PR-AUC {row['val_pr_auc']:.4f}, "
        f"{row['seconds']:.0f} s{best}",
        flush=True,
    )

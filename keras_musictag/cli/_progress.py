"""A progress bar for work that says now and then how many tracks are done."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


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

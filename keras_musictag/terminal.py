"""The progress bar on a terminal; rich is loaded when the first bar is made."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


def progress_bar(in_bytes: bool = False) -> "Progress":
    """A bar on standard error for a `with` block: description, bar, count, total, and the time left.

    The bar disappears at the end, and is not shown if standard error is not a terminal. Output to a terminal appears
    above the bar; output to a file or a pipe is not affected.

    Args:
        in_bytes: Whether to count bytes instead of items.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console, count = Console(stderr=True), DownloadColumn() if in_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn())
    console.quiet = (
        not console.is_terminal
    )  # versions of rich before 14.3 end a bar that is not shown with an empty line
    options = {"transient": True, "disable": not console.is_terminal, "redirect_stdout": sys.stdout.isatty()}
    return Progress(*columns, console=console, **options)

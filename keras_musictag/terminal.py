"""What is drawn for a person at a terminal; rich is loaded when the first bar is made."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


def progress_bar(in_bytes: bool = False) -> "Progress":
    """A bar on standard error for a `with` block: description, bar, how many of how many, the time left.

    It is gone at the end, and never shown where standard error is no terminal. Meanwhile, what is written to a terminal
    goes above it; what is written to a file or a pipe goes there as ever.

    Args:
        in_bytes: Whether bytes are counted, not items.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console, count = Console(stderr=True), DownloadColumn() if in_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn())
    options = {"transient": True, "disable": not console.is_terminal, "redirect_stdout": sys.stdout.isatty()}
    return Progress(*columns, console=console, **options)

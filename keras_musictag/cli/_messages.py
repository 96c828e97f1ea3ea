"""Messages on standard error: an exception as one line, and no log lines of C++ libraries."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from keras_musictag.errors import MusicTagError

# the messages of these classes are written for users; for any other class, its name is printed as well
FOR_USERS = (MusicTagError, ValueError, FileNotFoundError)


def describe(error: BaseException) -> str:
    """Describes an error in one line, for users.

    Example:
        >>> describe(ValueError("`top` must be 1 or more."))
        '`top` must be 1 or more.'
        >>> describe(OSError(28, "No space left on device", "out.csv"))
        'No space left on device: out.csv.'
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}." if error.filename else f"{error.strerror}."
    text = " ".join(str(error).split())
    return text if isinstance(error, FOR_USERS) and text else f"{type(error).__name__}: {text}"


def print_to_stderr(line: str) -> None:
    """Prints a line on standard error, above a progress bar if there is one (`click.echo` would write into the bar)."""
    if sys.stderr is not None:  # it is None if it is closed, and under pythonw: `print` would then use the output
        print(line, file=sys.stderr, flush=True)


# lines of absl's log, which no setting can stop before TensorFlow has initialised it
LOG_LINE = re.compile(r"[IW]\d{4} [\d:.]+ +\d+ \S+\] |WARNING: All log messages before absl::InitializeLog")


@contextmanager
def log_lines_hidden() -> Iterator[None]:
    """Captures what the process writes to standard error, and prints it at the end without absl's log lines."""
    if sys.stderr is None:  # it is closed, or this is pythonw: there is nothing to capture
        yield
        return
    with tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        before = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)
            held.seek(0)
            for line in held.read().decode("utf-8", "replace").splitlines():
                if line and not LOG_LINE.match(line):
                    print_to_stderr(line)

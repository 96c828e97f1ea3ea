"""An exception -> one line, told on standard error.

What C++ libraries write to standard error by themselves is kept from the person at the command line.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from keras_musictag.errors import MusicTagError

# their messages are written for the user; of any other class the name is told, too
PLAIN = (MusicTagError, ValueError, FileNotFoundError)


def describe(error: BaseException) -> str:
    """One line about an error, for people.

    Example:
        >>> describe(ValueError("`top` must be 1 or more."))
        '`top` must be 1 or more.'
        >>> describe(OSError(28, "No space left on device", "out.csv"))
        'No space left on device: out.csv.'
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}." if error.filename else f"{error.strerror}."
    text = " ".join(str(error).split())
    return text if isinstance(error, PLAIN) and text else f"{type(error).__name__}: {text}"


def tell(line: str) -> None:
    """A line on standard error; above a progress bar that is shown there, where `click.echo` would write into it."""
    if sys.stderr is not None:  # closed, or there is none, as under pythonw: `print` would take the output
        print(line, file=sys.stderr, flush=True)


# what is no warning of ours: lines of absl's log, which no setting stops before TensorFlow has started it
CHATTER = re.compile(r"[IW]\d{4} [\d:.]+ +\d+ \S+\] |WARNING: All log messages before absl::InitializeLog")


@contextmanager
def without_chatter() -> Iterator[None]:
    """Holds back what the process writes to standard error; at the end, what is not chatter is told."""
    if sys.stderr is None:  # closed, or there is none, as under pythonw: nobody is to be kept from anything
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
                if line and not CHATTER.match(line):
                    tell(line)

"""An exception -> one line, told on standard error."""

import sys

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

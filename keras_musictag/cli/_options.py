"""Options and steps that the commands on tracks share."""

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from keras_musictag.choices import TAILS
from keras_musictag.cli._messages import describe, tell
from keras_musictag.errors import printable
from keras_musictag.terminal import progress_bar

STANDARD_INPUT = "-"
STANDARD_INPUT_SHOWN = "standard input"

paths_argument = click.argument("paths", metavar="PATH...", nargs=-1, required=True)


def _positive(context, parameter, value):
    if value is not None and not (math.isfinite(value) and value > 0):
        raise click.BadParameter(f"{value} is not a number of seconds above 0.")
    return value


hop_option = click.option(
    "--hop-seconds", type=float, callback=_positive, help="From one chunk to the next.  [default: the model's own]"
)
tail_option = click.option(
    "--tail",
    type=click.Choice(TAILS),
    default="anchor",
    help="End of the track that no whole hop covers: a last chunk that ends there, zeros, or nothing.",
)
out_option = click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=".", help="Folder to write to."
)


def model_options(command):
    """`--model` and `--weights`, the same for every command that runs a network."""
    command = click.option(
        "--weights", default="default", help="For an architecture's name: a dataset, a zoo entry, or a file."
    )(command)
    return click.option(
        "--model",
        default="musicnn",
        help="An architecture, a zoo entry (see `models`), a folder, or a .keras or .h5 file.",
    )(command)


def load_model(model: str, weights: str):
    """The one resolver, for the command line; loads TensorFlow."""
    from keras_musictag.zoo.loading import load

    return load(model, weights)


def stop_if_all_are_missing(paths: tuple[str, ...]) -> None:
    """Where no path leads anywhere, tells so as `each_track` does and exits, before a model is loaded in vain."""
    if not any(path == STANDARD_INPUT or os.path.exists(path) for path in paths):
        from keras_musictag.audio.reading import open_audio

        list(each_track(paths, open_audio))


class StandardInput:
    """Standard input as the library takes a file, which it reads in bounded memory and calls by its `name`."""

    name = STANDARD_INPUT_SHOWN

    def __init__(self):
        if sys.stdin is None:
            raise ValueError("There is no standard input: it is closed. Pass the path of a file.")
        self.read, self.seek = sys.stdin.buffer.read, sys.stdin.buffer.seek
        self.seekable = sys.stdin.buffer.seekable


def source(path: str):
    """What to read for a path on the command line: `-` is standard input."""
    return StandardInput() if path == STANDARD_INPUT else path


def tell_notes(path: str, notes: tuple[str, ...]) -> None:
    """Tells what should be known of a track whose results go to a file."""
    for note in notes:
        tell(f"Note: {shown(path)}: {note}")


def shown(path: str) -> str:
    """What messages and tables call a path."""
    return STANDARD_INPUT_SHOWN if path == STANDARD_INPUT else printable(path)


def each_track(paths: tuple[str, ...], work: Callable[[str], Any]) -> Iterator[Any]:
    """Yields what `work` gives for each path; a path that fails is told on standard error, the rest goes on.

    Exits with 1 at the end where any failed.
    """
    failed = 0
    with progress(paths) as bar:
        for path in bar:
            try:
                result = work(path)
            except Exception as error:  # whatever is wrong with one file must not stop the others
                message = describe(error)
                name = shown(path)
                # the library quotes the paths it tells; unquoted, a short one may lie in any word
                told = repr(path) in message or (path == STANDARD_INPUT and name in message)
                tell(f"Error: {message if told else f'{name}: {message}'}")
                failed += 1
            else:
                yield result
    if failed:
        if len(paths) > 1:
            tell(f"{failed} of {len(paths)} tracks failed.")
        raise SystemExit(1)


@contextmanager
def progress(items: tuple) -> Iterator[Iterable]:
    """The items, with a progress bar on standard error where there are several and a person is watching.

    Not where the person sees the output as well: it shows the progress, and would be mixed with the bar.
    """
    if len(items) < 2 or not sys.stderr.isatty() or sys.stdout.isatty():
        yield items
        return
    with progress_bar() as bar:
        yield bar.track(items, description="")


def output_files(paths: tuple[str, ...], out: Path, ending: str) -> dict[str, Path]:
    """Where each path's result goes: `<out>/<stem><ending>`.

    Raises:
        click.UsageError: If two paths would go to one file.
    """
    files: dict[str, Path] = {}
    for path in paths:
        file = out / f"{'stdin' if path == STANDARD_INPUT else Path(path).stem}{ending}"
        if file in files.values():
            raise click.UsageError(f"Two of the tracks would be written to {file}: give them different names.")
        files[path] = file
    return files

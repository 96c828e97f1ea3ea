"""What the commands that read tracks share: their options, their inputs, and the loop over tracks."""

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from keras_musictag.choices import TAILS
from keras_musictag.cli._messages import describe, print_to_stderr
from keras_musictag.errors import printable
from keras_musictag.terminal import progress_bar

STANDARD_INPUT = "-"
STANDARD_INPUT_NAME = "standard input"

paths_argument = click.argument("paths", metavar="PATH...", nargs=-1, required=True)


def positive_seconds(context, parameter, value):
    if value is not None and not (math.isfinite(value) and value > 0):
        raise click.BadParameter(f"{value} is not a number of seconds greater than 0.")
    return value


hop_option = click.option(
    "--hop-seconds",
    type=float,
    callback=positive_seconds,
    help="Seconds from the start of one chunk to the start of the next.  [default: the model's own]",
)
tail_option = click.option(
    "--tail",
    type=click.Choice(TAILS),
    default="anchor",
    help="What to do with the end of a track if it does not fill a chunk: add a chunk that ends with the track "
    "(anchor), add one that is padded with zeros (pad), or leave it out (drop).",
)
out_option = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    help="Folder to write to; created if it does not exist.",
)


def model_options(command):
    """`--model` and `--weights`, the same for every command that runs a network."""
    command = click.option(
        "--weights",
        default="default",
        help="Weights for an architecture: a dataset such as msd, a zoo entry, or a file.",
    )(command)
    return click.option(
        "--model",
        default="musicnn",
        help="Model to use: an architecture, a zoo entry (see `models`) or its folder, or a .keras or .h5 file.",
    )(command)


def load_model(model: str, weights: str):
    """Loads a model by the values of the two options, and TensorFlow with it."""
    from keras_musictag.zoo.loading import load

    return load(model, weights)


def exit_if_all_are_missing(paths: tuple[str, ...]) -> None:
    """If no path exists, reports that as `each_track` does and exits, before a model is loaded for nothing."""
    if not any(path == STANDARD_INPUT or os.path.exists(path) for path in paths):
        from keras_musictag.audio.reading import open_audio

        list(each_track(paths, open_audio))


class StandardInput:
    """Standard input as a binary file object, which the library reads in bounded memory; `name` is for its messages."""

    name = STANDARD_INPUT_NAME

    def __init__(self):
        if sys.stdin is None:
            raise ValueError("There is no standard input: it is closed. Pass the path of a file.")
        self.read, self.seek = sys.stdin.buffer.read, sys.stdin.buffer.seek
        self.seekable = sys.stdin.buffer.seekable


def audio_source(path: str):
    """What the library must read for a path on the command line: `-` is standard input."""
    return StandardInput() if path == STANDARD_INPUT else path


def print_notes(path: str, notes: tuple[str, ...]) -> None:
    """Prints the notes on a track whose results are written to a file."""
    for note in notes:
        print_to_stderr(f"Note: {display_name(path)}: {note}")


def display_name(path: str) -> str:
    """A path as messages and tables show it."""
    return STANDARD_INPUT_NAME if path == STANDARD_INPUT else printable(path)


def each_track(paths: tuple[str, ...], process: Callable[[str], Any]) -> Iterator[Any]:
    """Yields what `process` returns for each path; an error is reported on standard error, and the next path follows.

    Exits with 1 at the end if any path failed.
    """
    failed = 0
    with progress(paths) as bar:
        for path in bar:
            try:
                result = process(path)
            except Exception as error:  # an error in one file must not stop the others
                message = describe(error)
                name = display_name(path)
                # the library quotes paths: without quotes, a short path may be part of any word
                is_named = repr(path) in message or (path == STANDARD_INPUT and name in message)
                print_to_stderr(f"Error: {message if is_named else f'{name}: {message}'}")
                failed += 1
            else:
                yield result
    if failed:
        if len(paths) > 1:
            print_to_stderr(f"{failed} of {len(paths)} tracks failed.")
        raise SystemExit(1)


@contextmanager
def progress(items: tuple) -> Iterator[Iterable]:
    """The items, with a progress bar on standard error if there are several and a person is watching.

    There is no bar if the output goes to the terminal, too: the output shows the progress, and would mix with the bar.
    """
    if len(items) < 2 or not sys.stderr.isatty() or sys.stdout.isatty():
        yield items
        return
    with progress_bar() as bar:
        yield bar.track(items, description="")


def output_files(paths: tuple[str, ...], out: Path, ending: str) -> dict[str, Path]:
    """The file for the result of each path: `<out>/<stem><ending>`.

    Raises:
        click.UsageError: If two paths have the same file.
    """
    files: dict[str, Path] = {}
    for path in paths:
        file = out / f"{'stdin' if path == STANDARD_INPUT else Path(path).stem}{ending}"
        if file in files.values():
            raise click.UsageError(f"Two of the tracks would be written to {file}. Give them different names.")
        files[path] = file
    return files

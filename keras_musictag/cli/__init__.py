"""The command line: one file a command, found by the folder. Loads no TensorFlow before a command needs it."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click

import keras_musictag
from keras_musictag.cli._messages import describe, tell
from keras_musictag.registry import load_module, module_names


class FolderGroup(click.Group):
    """A group whose commands are the modules of this folder, each with a `command`."""

    def list_commands(self, context):
        return module_names(sys.modules[__name__])

    def get_command(self, context, name):
        if name not in self.list_commands(context):
            return None
        return load_module(sys.modules[__name__], "command", name).command

    def invoke(self, context):
        try:
            return super().invoke(context)
        except click.NoSuchOption as error:
            path = next((argument for argument in sys.argv[1:] if is_path_with_dash(argument)), None)
            if path is not None:
                error.message += f" If {path!r} is a file, write ./{path}, or put -- before it."
            raise


def is_path_with_dash(argument: str) -> bool:
    """Whether an argument begins like an option, and may well be a file."""
    looks_so = "=" not in argument and os.path.splitext(argument)[1] != ""
    return argument.startswith("-") and (looks_so or os.path.exists(argument))


@click.group(cls=FolderGroup, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(keras_musictag.__version__, prog_name="keras-musictag")
def keras_musictag_group():
    """Tags music: what genre, instruments, mood and voice a track has, by published neural networks."""


def main() -> None:
    """Runs the command line; every failure is one line on standard error, exit code 1, or 2 for a wrong call."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up chatter
    tell_names_apart(sys.stdout)
    warnings.showwarning = show_warning
    try:
        with output_written():
            keras_musictag_group(prog_name="keras-musictag")
    except BrokenPipeError:  # the reader, such as `head`, has seen enough: nothing to tell
        sys.exit(1)
    except Exception as error:
        if os.environ.get("KERAS_MUSICTAG_TRACEBACK"):
            raise
        tell(f"Error: {describe(error)}")
        sys.exit(1)


def tell_names_apart(output: TextIO | None) -> None:
    """Lets the output hold every name: UTF-8 in files and pipes, escapes for what a terminal's encoding cannot show.

    Python itself writes files in the encoding of the system, such as cp1252 on Windows, where most letters are missing.
    """
    if output is not None:  # closed, or there is none, as under pythonw
        output.reconfigure(encoding=None if output.isatty() else "utf-8", errors="backslashreplace")


@contextmanager
def output_written() -> Iterator[None]:
    """Writes what is left of the output at the end, while a failure can be told: when Python exits it is too late."""
    try:
        yield
    finally:
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would try again, and say so
            raise


def show_warning(message: Warning | str, *where) -> None:
    """A warning as one line: users have no use for the place in the code."""
    tell(f"Warning: {' '.join(str(message).split())}")

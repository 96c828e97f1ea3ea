"""The command line: one file per command; the folder is the list. No TensorFlow is loaded before a command needs it."""

import gc
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click

import keras_musictag
from keras_musictag.cli._messages import describe, print_to_stderr
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
            path = next((argument for argument in sys.argv[1:] if looks_like_path(argument)), None)
            if path is not None:
                error.message += f" If {path!r} is a file, write ./{path}, or put -- before it."
            raise


def looks_like_path(argument: str) -> bool:
    """Whether an argument begins like an option but is probably a file."""
    has_extension = "=" not in argument and os.path.splitext(argument)[1] != ""
    return argument.startswith("-") and (has_extension or os.path.exists(argument))


@click.group(cls=FolderGroup, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(keras_musictag.__version__, prog_name="keras-musictag")
def keras_musictag_group():
    """Tag music with published neural networks: genre, instruments, mood and voice.

    To start, run `keras-musictag tag song.mp3`. `keras-musictag COMMAND --help` describes a command and its options.
    """


def main() -> None:
    """Runs the command line. An error is one line on standard error; the exit code is 1, or 2 for invalid usage."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # hides the log lines of TensorFlow's start
    gc.set_threshold(50_000, 10, 10)  # at the usual 700, Python passes over TensorFlow's many objects again and again
    configure_output_encoding(sys.stdout)
    warnings.showwarning = print_warning
    try:
        with output_flushed():
            keras_musictag_group(prog_name="keras-musictag")
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe: not an error to report
        sys.exit(1)
    except Exception as error:
        if os.environ.get("KERAS_MUSICTAG_TRACEBACK"):
            raise
        print_to_stderr(f"Error: {describe(error)}")
        sys.exit(1)


def configure_output_encoding(output: TextIO | None) -> None:
    """Makes the output accept every name: UTF-8 in files and pipes, escapes for letters that a terminal cannot show.

    By default, Python writes files in the system's encoding, such as cp1252 on Windows, which has few letters.
    """
    if output is not None:  # it is None if it is closed, and under pythonw
        output.reconfigure(encoding=None if output.isatty() else "utf-8", errors="backslashreplace")


@contextmanager
def output_flushed() -> Iterator[None]:
    """Flushes the output at the end of the block: if Python did it on exit, an error could not be reported."""
    try:
        yield
    finally:
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError:
            os.dup2(
                os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
            )  # else Python tries again and prints an error
            raise


def print_warning(message: Warning | str, *where) -> None:
    """Prints a warning as one line, without its location in the code, which does not help users."""
    print_to_stderr(f"Warning: {' '.join(str(message).split())}")

"""`keras-musictag library scan`, `problems` and `info`: from folders of music to the database."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from keras_musictag.choices import EXPORT_PRECISIONS
from keras_musictag.cli._library_options import database_option, open_database
from keras_musictag.cli._messages import print_to_stderr
from keras_musictag.cli._progress import stoppable
from keras_musictag.errors import printable, quantity
from keras_musictag.terminal import progress_bar

ENGINES = ("keras", "onnx", "litert", "openvino")
MIN_SECONDS = 2.0  # before a speed is shown
SHOWN_FOLDERS = 10  # that were not searched: an unplugged drive may have thousands


def computing_options(command):
    """Options of `scan` that say how scores are computed."""
    for option in (
        click.option(
            "--jobs",
            type=click.IntRange(min=1),
            help="Number of decoding processes.  [default: one per core, at most 8]",
        ),
        click.option(
            "--precision",
            type=click.Choice(EXPORT_PRECISIONS),
            help="Numeric precision of the model.  [default: float32]",
        ),
        click.option("--engine", type=click.Choice(ENGINES), default="keras", help="Engine that runs the model."),
        click.option("--weights", default="default", help="Weights for an architecture, as for `tag`."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("folders", metavar="FOLDER...", nargs=-1, required=True, type=click.Path())
@database_option
@click.option(
    "--model",
    "models",
    multiple=True,
    default=["musicnn"],
    help="Model to use: an architecture, a zoo entry (see `models`), or a file or folder. Repeat the option to use "
    "several models, which share the decoding.",
)
@computing_options
@click.option("--nice", type=click.IntRange(0, 19), default=0, help="Lower the priority of the scan; 19 is the lowest.")
@click.option("--video", is_flag=True, help="Also tag the sound of video files.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Also write the results as JSON lines.")
def scan(folders, database_path, models, weights, engine, precision, jobs, nice, video, out):
    """Tag all music in folders, and store the results.

    Finds the music in each FOLDER and stores scores and embeddings in the database of the library. Run it again after
    a change: only new music is processed. If it is interrupted, run it again to resume.
    """
    if nice and hasattr(os, "nice"):
        os.nice(nice)
    with _progress() as report, open_database(database_path, create=True) as database:
        from keras_musictag.library.scanning import scan as scan_folders
        from keras_musictag.library.tables import write_scan_lines

        summary = scan_folders(
            folders, database, models, weights, engine, precision, jobs=jobs, video=video, report=report
        )
        if out is not None:
            click.echo(f"Wrote {quantity(write_scan_lines(out, database, folders), 'line')} to {out}.")
    for folder, reason in summary.closed[:SHOWN_FOLDERS]:
        print_to_stderr(
            f"Note: {printable(folder)} was not searched, and its files are not marked as missing. {reason}."
        )
    if more := summary.closed[SHOWN_FOLDERS:]:
        print_to_stderr(f"Note: {quantity(len(more), 'more folder')} could not be searched, either.")
    click.echo(describe_scan(summary))


def describe_scan(summary) -> str:
    """The last line of a scan."""
    parts = [f"{quantity(summary.tagged, 'track')} tagged"]
    counts = {
        "recognised by their audio": summary.known,
        "unchanged": summary.unchanged - summary.known_problems,
        "missing since the last scan": summary.missing,
    }
    parts += [f"{count:,} {what}" for what, count in counts.items() if count]
    parts += [quantity(summary.problems, "problem")] if summary.problems else []
    parts += [quantity(summary.known_problems, "known problem")] if summary.known_problems else []
    see = " (see `keras-musictag library problems`)" if summary.problems or summary.known_problems else ""
    return ", ".join(parts) + see + "."


@contextmanager
def _progress() -> Iterator[Callable]:
    """Yields the function that `scan` reports to. Ctrl-C ends the scan with one line."""
    with stoppable() as stop_if_interrupted, progress_bar() as bar:
        task, start = None, 0.0

        def report(summary) -> None:
            nonlocal task, start
            stop_if_interrupted()
            if task is None:
                task, start = bar.add_task("", total=summary.to_read), time.monotonic()
            seconds = time.monotonic() - start
            speed = f"{summary.done / seconds:.1f} tracks/s, {summary.seconds / seconds:.0f} times real time"
            bar.update(task, completed=summary.done, description=speed if seconds > MIN_SECONDS else "")

        yield report


@click.command()
@database_option
@click.option(
    "--retry",
    is_flag=True,
    help="First read these files again, even if they have not changed. The options below apply.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    help="Model to use, as for `scan`.  [default: all models of the library that are in the zoo]",
)
@computing_options
def problems(database_path, retry, models, weights, engine, precision, jobs):
    """List the files that could not be tagged, and why."""
    with open_database(database_path) as database:
        if retry:
            retry_problems(database, models, weights, engine, precision, jobs)
        found = database.problems()
        for problem in found:
            click.echo(f"{printable(problem.path)}: {problem.reason}")
    if not found:
        print_to_stderr("There are no problems.")


def retry_problems(database, *options) -> None:
    """Reads the files with problems again, and says on standard error what came of it."""
    from keras_musictag.library.scanning import rescan_problems

    before = len(database.problems())
    with _progress() as report:
        summary = rescan_problems(database, *options, report=report)
    parts = [f"{quantity(summary.tagged + summary.known, 'file')} tagged", f"{summary.problems:,} still with a problem"]
    if gone := before - summary.found:
        parts.append(f"{gone:,} not found, which `keras-musictag library scan` looks for")
    if before:
        print_to_stderr(f"Read {quantity(summary.found, 'file')} again: {', '.join(parts)}.")


@click.command()
@database_option
def info(database_path):
    """Show the size of the library and its models."""
    from rich.filesize import decimal

    from keras_musictag.library.vectors import vectors_path

    with open_database(database_path) as database:
        counts = database.count_files()
        click.echo(f"{database.path}: {decimal(database.path.stat().st_size)}")
        click.echo(f"{quantity(counts.tracks, 'track')}, {describe_duration(counts.seconds)}")
        click.echo(
            f"{quantity(counts.tagged, 'file')} tagged, {quantity(counts.problems, 'problem')}, "
            f"{counts.missing:,} missing"
        )
        for model in database.models():
            vectors = vectors_path(database, model)
            size = vectors.stat().st_size if vectors.is_file() else 0
            click.echo(
                f"{model.name}: {quantity(database.count_results(model), 'track')}, {len(model.vocabulary)} tags, "
                f"embeddings of {model.features} numbers in {decimal(size)}"
            )


def describe_duration(seconds: float) -> str:
    """A duration in hours, or in minutes if it is below an hour."""
    return f"{seconds / 3600:,.1f} hours" if seconds >= 3600 else f"{seconds / 60:.1f} minutes"

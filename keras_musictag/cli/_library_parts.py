"""`keras-musictag library distribute` and `import`: a scan on many machines, and its results into the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from keras_musictag.choices import EXPORT_PRECISIONS
from keras_musictag.cli._library_options import database_option, open_database
from keras_musictag.cli._library_scan import ENGINES
from keras_musictag.cli._options import model_options
from keras_musictag.cli._progress import resumable
from keras_musictag.errors import quantity
from keras_musictag.terminal import progress_bar


@click.command()
@click.argument("manifest", metavar="LIST", type=click.Path(dir_okay=False))
@click.argument("out", metavar="DIR", type=click.Path(file_okay=False))
@model_options
@click.option("--engine", type=click.Choice(ENGINES), default="keras", help="Engine that runs the model.")
@click.option(
    "--precision", type=click.Choice(EXPORT_PRECISIONS), help="Numeric precision of the model.  [default: float32]"
)
@click.option("--cores", type=click.IntRange(min=1), default=2, help="Cores per worker.")
@click.option("--part-files", type=click.IntRange(min=1), default=200, help="Files per part.")
@click.option(
    "--address",
    help="Address of the Ray cluster, or `local` for a new one on this machine.  [default: the running cluster, or "
    "local]",
)
def distribute(manifest, out, model, weights, engine, precision, cores, part_files, address):
    """Tag the files in LIST on a Ray cluster.

    LIST has one path per line. Each worker writes parts into DIR, a folder that all machines share: Parquet files that
    `library import` takes. If the command is interrupted, run it again to resume.
    """
    from keras_musictag.library.distributing import distribute as distribute_files

    with _progress() as show:
        summary = distribute_files(
            manifest,
            out,
            model,
            weights,
            engine,
            precision,
            cores,
            part_files,
            address,
            report=lambda summary: show(summary.earlier + summary.written, summary.parts),
        )
    earlier = f", {quantity(summary.earlier, 'part')} of an earlier run kept" if summary.earlier else ""
    click.echo(
        f"{quantity(summary.tagged, 'file')} tagged, {quantity(summary.problems, 'problem')}, in "
        f"{quantity(summary.written, 'part')}{earlier}. Next: keras-musictag library import {out}"
    )


@click.command("import")
@click.argument("parts", metavar="PART...", nargs=-1, required=True, type=click.Path())
@database_option
def import_(parts, database_path):
    """Store the results of `distribute` in the database.

    PART is a part (a Parquet file) or a folder of parts. Importing a part again changes nothing.
    """
    with _progress() as show, open_database(database_path, create=True) as database:
        from keras_musictag.library.importing import import_parts

        summary = import_parts(parts, database, show)
    click.echo(
        f"{quantity(summary.files, 'file')} in the parts: {summary.changed:,} new or changed in the database, "
        f"{quantity(summary.tracks, 'track')} with new results, {quantity(summary.problems, 'problem')}."
    )


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Yields a function that takes the number of parts done and the total. Ctrl-C is `resumable`."""
    with resumable(), progress_bar() as bar:
        task = bar.add_task("parts", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

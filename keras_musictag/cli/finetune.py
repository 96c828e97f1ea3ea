"""`keras-musictag finetune`: tags of your own, in one command."""

import shlex
from pathlib import Path

import click

from keras_musictag.choices import FINETUNE_FRACTIONS, PRECISIONS
from keras_musictag.cli import _progress
from keras_musictag.cli._dataset_options import table_options, tell_dataset, warn_of_parts
from keras_musictag.cli.evaluate import tell_metrics


@click.command()
@click.argument("raw", metavar="FOLDER_OR_CSV", type=click.Path(exists=True, path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--model", default="musicnn", help="An architecture, a zoo entry (see `models`), or a .keras file.")
@click.option("--weights", default="default", help="A dataset, a zoo entry, a file, or `none` for random ones.")
@click.option("--recipe", help="A name, or the path of a JSON file.  [default: finetune; short from random weights]")
@click.option("--epochs", type=click.IntRange(min=1), help="At most so many in each phase.  [default: the recipe's]")
@table_options
@click.option(
    "--audio",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Folder that the paths in a table are relative to.  [default: its folder]",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Random seed for the split and for training.")
@click.option("--fractions", type=float, nargs=3, default=FINETUNE_FRACTIONS, help="Shares of train, valid and test.")
@click.option("--precision", type=click.Choice(PRECISIONS), default="float32")
@click.option("--jobs", type=click.IntRange(1), help="Processes that read the audio.  [default: one per core]")
@click.option("--allow-missing", is_flag=True, help="Continue without the files that are missing.")
def command(raw, out, model, weights, recipe, epochs, audio, seed, fractions, precision, jobs, allow_missing, **table):
    """Teach a pretrained tagger tags of your own, and write it to the folder OUT.

    FOLDER_OR_CSV is a folder with a folder of audio for each tag, or a table with columns `path` and `tags`. Some
    dozens of tracks a tag will do. The tracks are divided into parts to learn from, to choose by, and to measure the
    result on. Interrupted, the same command goes on where it stopped.
    """
    manifest = read_raw(raw, seed, fractions, {"audio": audio, **table})
    tell_dataset(manifest)
    with _progress.training() as (on_step, on_epoch, on_tracks):
        from keras_musictag.training.finetuning import finetune

        done = finetune(
            manifest,
            out,
            model,
            weights=None if weights == "none" else weights,
            recipe=recipe,
            epochs=epochs,
            seed=seed,
            precision=precision,
            jobs=jobs,
            allow_missing=allow_missing,
            on_tracks=on_tracks,
            on_records=warn_of_parts,
            on_step=on_step,
            on_epoch=on_epoch,
        )
    if done.report is None:
        click.echo("There is no part test: the tagger was not measured.")
    else:
        click.echo(f"On {done.report.group().tracks} tracks that it has not heard:")
        tell_metrics(done.report)
    click.echo(f"Wrote {done.model}. To tag with it:")
    click.echo(f"  keras-musictag tag --model {shlex.quote(str(done.model))} song.mp3")


def read_raw(raw: Path, seed: int, fractions: tuple[float, float, float], table: dict):
    """The manifest of a folder or of a table; `table` holds the options of `datasets.csv.manifest`."""
    from keras_musictag.datasets import csv, folder

    if not raw.is_dir():
        return csv.manifest(raw, seed=seed, fractions=fractions, **table)
    if any(table.values()):
        raise click.UsageError(
            f"{str(raw)!r} is a folder; --audio, --separator, --encoding, --part-column, --test-fold and --valid-fold "
            "are for tables."
        )
    return folder.manifest(raw, seed, fractions)

"""`keras-musictag finetune`: your own tags, in one command."""

import shlex
from pathlib import Path

import click

from keras_musictag.choices import FINETUNE_FRACTIONS, PRECISIONS
from keras_musictag.cli import _progress
from keras_musictag.cli._dataset_options import print_dataset, table_options, warn_about_parts
from keras_musictag.cli.evaluate import print_metrics
from keras_musictag.keras_start import start_keras


@click.command()
@click.argument("raw", metavar="FOLDER_OR_CSV", type=click.Path(exists=True, path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--model", default="musicnn", help="Model to start from: an architecture, a zoo entry, or a .keras file.")
@click.option(
    "--weights",
    default="default",
    help="Weights to start from: a dataset such as msd, a zoo entry, a file, or `none` (random).",
)
@click.option(
    "--recipe",
    help="Recipe: won2020, short, finetune, or a JSON file.  [default: finetune; with --weights none, short]",
)
@click.option("--epochs", type=click.IntRange(min=1), help="Maximum epochs per phase.  [default: the recipe's]")
@table_options
@click.option(
    "--audio",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Folder that the paths in a table are relative to.  [default: the table's folder]",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Random seed for the split and for training.")
@click.option(
    "--fractions",
    type=float,
    nargs=3,
    default=FINETUNE_FRACTIONS,
    help="Shares of the tracks for train, valid and test.",
)
@click.option("--precision", type=click.Choice(PRECISIONS), default="float32", help="Precision of the arithmetic.")
@click.option(
    "--jobs", type=click.IntRange(1), help="Number of processes that read the audio.  [default: one per core]"
)
@click.option("--allow-missing", is_flag=True, help="Continue if files are missing.")
def command(raw, out, model, weights, recipe, epochs, audio, seed, fractions, precision, jobs, allow_missing, **table):
    """Teach a pretrained tagger your own tags.

    FOLDER_OR_CSV is a folder that contains one folder of audio per tag, or a table with the columns `path` and `tags`.
    A few dozen tracks per tag are enough. The tracks are split into parts for training, for validation and for testing.
    OUT/model.keras is the tagger, and OUT/evaluation/report.md says how good it is on the tracks for testing. If the
    command is interrupted, run it again to resume.
    """
    manifest = read_raw(raw, seed, fractions, {"audio": audio, **table})
    print_dataset(manifest)
    with _progress.training() as (on_step, on_epoch, on_tracks):
        start_keras()
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
            on_records=warn_about_parts,
            on_step=on_step,
            on_epoch=on_epoch,
        )
    if done.report is None:
        click.echo("The part test is empty, so the tagger was not evaluated.")
    else:
        click.echo(f"On {done.report.group().tracks} tracks that it was not trained on:")
        print_metrics(done.report)
    click.echo(f"Wrote {done.model}. To tag with it:")
    click.echo(f"  keras-musictag tag --model {shlex.quote(str(done.model))} song.mp3")


def read_raw(raw: Path, seed: int, fractions: tuple[float, float, float], table: dict):
    """Reads a folder or a table into a manifest; `table` holds the options of `datasets.csv.manifest`."""
    from keras_musictag.datasets import csv, folder

    if not raw.is_dir():
        return csv.manifest(raw, seed=seed, fractions=fractions, **table)
    if any(table.values()):
        raise click.UsageError(
            f"{str(raw)!r} is a folder, but --audio, --separator, --encoding, --part-column, --test-fold and "
            "--valid-fold are for tables. Omit them."
        )
    return folder.manifest(raw, seed, fractions)

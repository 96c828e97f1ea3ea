"""`keras-musictag prepare`: a raw dataset becomes a folder of records. A subcommand a dataset."""

from pathlib import Path

import click

from keras_musictag.choices import FRACTIONS, JAMENDO_SPLITS, JAMENDO_TAGS, STORAGES, UNLABELLED_FRACTIONS
from keras_musictag.cli._dataset_options import table_options, tell_dataset, tell_records
from keras_musictag.cli._progress import counted
from keras_musictag.keras_start import start_keras

FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)
FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
OUT = click.Path(file_okay=False, path_type=Path)

audio_option = click.option("--audio", type=FOLDER, help="Folder of the audio.  [default: where RAW has it]")
seed_option = click.option("--seed", type=int, default=0, help="Of the division into parts.")
fractions_option = click.option(
    "--fractions", type=float, nargs=3, default=FRACTIONS, help="Shares of train, valid and test."
)


@click.group()
def command():
    """Make records, for training and evaluation, from a raw DATASET.

    If it is interrupted, run the same command again: it goes on.
    """


def writing(raw_type: click.Path, *, published: bool = True, apart: bool = False):
    """RAW, OUT and the options that all datasets share; the decorated function returns the manifest.

    Args:
        raw_type: Of RAW.
        published: Whether it is known how many tracks there should be.
        apart: Whether OUT must not lie in RAW.
    """
    damaged = "or damaged, or with other counts than were published" if published else "(damaged ones need no option)"

    def decorate(make_manifest):
        def prepare_dataset(out, storage, features, jobs, tracks_per_shard, allow_missing, **options):
            if apart:
                must_be_apart(options["raw"], out)
            options = {name: value for name, value in options.items() if value is not None}
            prepare_records(make_manifest, options, out, storage, features, jobs, tracks_per_shard, allow_missing)

        prepare_dataset.__doc__ = make_manifest.__doc__
        for option in reversed(
            (
                click.argument("raw", type=raw_type),
                click.argument("out", type=OUT),
                click.option(
                    "--storage",
                    type=click.Choice(STORAGES),
                    default="pcm",
                    help="Decoded samples, or the files as they are: smaller, and slower to read.",
                ),
                click.option(
                    "--features",
                    metavar="ARCHITECTURE",
                    help="Store what its log-mel front end computes, too: of musicnn, fcn, crnn or another one.",
                ),
                click.option("--jobs", type=click.IntRange(1), help="Processes.  [default: one per core]"),
                click.option("--tracks-per-shard", type=click.IntRange(1), default=64, help="Tracks in a file."),
                click.option("--allow-missing", is_flag=True, help=f"Go on with files missing {damaged}."),
            )
        ):
            prepare_dataset = option(prepare_dataset)
        return prepare_dataset

    return decorate


@command.command("mtat")
@click.option("--split", type=click.Choice(["cleaned", "uncleaned"]), default="cleaned", help="Which clips.")
@audio_option
@writing(FOLDER)
def mtat(**options):
    """MagnaTagATune: RAW holds annotations_final.csv and the clips."""
    from keras_musictag.datasets.mtat import manifest

    return manifest(**options)


@command.command("msd")
@click.option("--split", type=click.Choice(["filtered", "full"]), default="filtered", help="Which clips.")
@audio_option
@writing(FOLDER)
def msd(**options):
    """Million Song Dataset: RAW holds the files of a tagging split."""
    from keras_musictag.datasets.msd import manifest

    return manifest(**options)


@command.command("mtg-jamendo")
@click.option("--split", type=click.Choice(JAMENDO_SPLITS), default="0", help="Which of the five.")
@click.option("--tags", type=click.Choice(JAMENDO_TAGS), default="top50", help="Which tags.")
@audio_option
@writing(FOLDER)
def mtg_jamendo(split, **options):
    """MTG-Jamendo: RAW is a checkout of the official repository."""
    from keras_musictag.datasets.mtg_jamendo import manifest

    return manifest(split=int(split), **options)


@command.command("gmtag")
@writing(FOLDER)
def gmtag(**options):
    """GM-Tag: RAW is what `keras-musictag gmtag build` wrote."""
    from keras_musictag.datasets.gmtag import manifest

    return manifest(**options)


@command.command("folder")
@seed_option
@fractions_option
@writing(FOLDER, published=False, apart=True)
def folder(**options):
    """Music of your own: RAW has a folder for each tag."""
    from keras_musictag.datasets.folder import manifest

    return manifest(**options)


@command.command("audio")
@seed_option
@click.option("--fractions", type=float, nargs=3, default=UNLABELLED_FRACTIONS, help="Shares of train, valid and test.")
@writing(FOLDER, published=False, apart=True)
def audio(**options):
    """Any folder of music, without labels: for `train --teacher`."""
    from keras_musictag.datasets.audio import manifest

    return manifest(**options)


@command.command("csv")
@table_options
@audio_option
@seed_option
@fractions_option
@writing(FILE, published=False)
def csv(raw, **options):
    """Music of your own: RAW is a table of paths and tags."""
    from keras_musictag.datasets.csv import manifest

    return manifest(raw, **options)


def must_be_apart(raw: Path, out: Path) -> None:
    """Refuses to write among the music: records would be taken for a tag, and shards lie between the tracks."""
    inside = out.resolve()
    if raw.resolve() in (inside, *inside.parents):
        raise ValueError(f"OUT must not lie in RAW, {str(raw)!r}. Received: {str(out)!r}. Choose a folder beside it.")


def prepare_records(make_manifest, options, out, storage, features, jobs, tracks_per_shard, allow_missing) -> None:
    """Prepares a dataset, and tells what came of it."""
    from keras_musictag.records.preparing import is_whole, prepare

    frontend = None
    if features is not None:
        start_keras()
        from keras_musictag.tagger.features import ClipFeatures

        frontend = ClipFeatures(features)
    manifest = make_manifest(**options)
    tell_dataset(manifest)
    finished = is_whole(out)
    with counted() as report:
        records = prepare(
            manifest,
            out,
            storage=storage,
            frontend=frontend,
            jobs=jobs,
            allow_missing=allow_missing,
            tracks_per_shard=tracks_per_shard,
            report=report,
        )
    if finished:
        click.echo(f"{out} was finished before: nothing was to be done.")
    tell_records(records)

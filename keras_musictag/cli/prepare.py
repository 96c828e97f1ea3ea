"""`keras-musictag prepare`: a raw dataset becomes a folder of records. One subcommand per dataset."""

import inspect
from pathlib import Path

import click

from keras_musictag.choices import FRACTIONS, JAMENDO_SPLITS, JAMENDO_TAGS, STORAGES, UNLABELLED_FRACTIONS
from keras_musictag.cli._dataset_options import print_dataset, print_records, table_options
from keras_musictag.cli._progress import track_progress
from keras_musictag.keras_start import start_keras

FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)
FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
OUT = click.Path(file_okay=False, path_type=Path)

audio_option = click.option("--audio", type=FOLDER, help="Folder that contains the audio, if it is not in RAW.")
seed_option = click.option("--seed", type=int, default=0, help="Random seed for the split into parts.")
fractions_option = click.option(
    "--fractions", type=float, nargs=3, default=FRACTIONS, help="Shares of the tracks for train, valid and test."
)
WHAT_IT_WRITES = """
The folder OUT gets the records, which are TFRecord files, and skipped.csv, which lists the tracks that were left out,
and why. If the command is interrupted, run it again to resume.
"""


@click.group()
def command():
    """Prepare a raw dataset as records for training and evaluation."""


def writes_records(raw_type: click.Path, *, published: bool = True, apart: bool = False):
    """Makes a command of a function that returns a manifest: adds RAW, OUT and the options that all datasets share.

    Args:
        raw_type: Type of RAW.
        published: Whether the number of tracks was published.
        apart: Whether OUT must be outside RAW.
    """
    allowed = "files are missing or damaged, or if counts differ from the published ones"
    allowed = allowed if published else "files are missing (damaged files are always skipped)"

    def decorate(make_manifest):
        def prepare_dataset(out, storage, features, jobs, tracks_per_shard, allow_missing, **options):
            if apart:
                check_out_is_not_in_raw(options["raw"], out)
            options = {name: value for name, value in options.items() if value is not None}
            prepare_records(make_manifest, options, out, storage, features, jobs, tracks_per_shard, allow_missing)

        prepare_dataset.__doc__ = f"{inspect.getdoc(make_manifest)}\n{WHAT_IT_WRITES}"
        for option in reversed(
            (
                click.argument("raw", type=raw_type),
                click.argument("out", type=OUT),
                click.option(
                    "--storage",
                    type=click.Choice(STORAGES),
                    default="pcm",
                    help="What to store: decoded samples (pcm), or the compressed files (source), which are smaller "
                    "but slower to read.",
                ),
                click.option(
                    "--features",
                    metavar="ARCHITECTURE",
                    help="Also store the log-mel features that an architecture takes, such as musicnn, fcn or crnn.",
                ),
                click.option("--jobs", type=click.IntRange(1), help="Number of processes.  [default: one per core]"),
                click.option(
                    "--tracks-per-shard", type=click.IntRange(1), default=64, help="Maximum number of tracks per file."
                ),
                click.option("--allow-missing", is_flag=True, help=f"Continue if {allowed}."),
            )
        ):
            prepare_dataset = option(prepare_dataset)
        return prepare_dataset

    return decorate


@command.command("mtat")
@click.option(
    "--split",
    type=click.Choice(["cleaned", "uncleaned"]),
    default="cleaned",
    help="Split to prepare: the clips with at least one of the 50 tags (cleaned), or all clips (uncleaned).",
)
@audio_option
@writes_records(FOLDER)
def mtat(**options):
    """MagnaTagATune: RAW contains the annotations and the clips.

    The annotations are annotations_final.csv; the clips are in the folders 0 to f of RAW/mp3, of RAW, or of the folder
    --audio.
    """
    from keras_musictag.datasets.mtat import manifest

    return manifest(**options)


@command.command("msd")
@click.option(
    "--split",
    type=click.Choice(["filtered", "full"]),
    default="filtered",
    help="Split to prepare: without short previews in valid and test (filtered), or with them (full).",
)
@audio_option
@writes_records(FOLDER)
def msd(**options):
    """Million Song Dataset: RAW contains a tagging split.

    For the filtered split, RAW is a checkout of jongpillee/music_dataset_split; for the full one, of
    keunwoochoi/MSD_split_for_tagging. The previews are in RAW/mp3, in RAW, or in the folder of --audio.
    """
    from keras_musictag.datasets.msd import manifest

    return manifest(**options)


@command.command("mtg-jamendo")
@click.option(
    "--split", type=click.Choice(JAMENDO_SPLITS), default="0", help="Number of the official split to prepare."
)
@click.option("--tags", type=click.Choice(JAMENDO_TAGS), default="top50", help="Set of tags to prepare.")
@audio_option
@writes_records(FOLDER)
def mtg_jamendo(split, **options):
    """MTG-Jamendo: RAW is a checkout of the official repository."""
    from keras_musictag.datasets.mtg_jamendo import manifest

    return manifest(split=int(split), **options)


@command.command("gmtag")
@writes_records(FOLDER)
def gmtag(**options):
    """GM-Tag: RAW is the folder that `gmtag build` wrote."""
    from keras_musictag.datasets.gmtag import manifest

    return manifest(**options)


@command.command("folder")
@seed_option
@fractions_option
@writes_records(FOLDER, published=False, apart=True)
def folder(**options):
    """Your own music: RAW contains one folder per tag.

    For example, RAW/jazz/song.mp3 has the tag `jazz`. A file that is in several folders has all their tags.
    """
    from keras_musictag.datasets.folder import manifest

    return manifest(**options)


@command.command("audio")
@seed_option
@click.option(
    "--fractions",
    type=float,
    nargs=3,
    default=UNLABELLED_FRACTIONS,
    help="Shares of the tracks for train, valid and test.",
)
@writes_records(FOLDER, published=False, apart=True)
def audio(**options):
    """Music without labels, in any folder: for `train --teacher`."""
    from keras_musictag.datasets.audio import manifest

    return manifest(**options)


@command.command("csv")
@table_options
@audio_option
@seed_option
@fractions_option
@writes_records(FILE, published=False)
def csv(raw, **options):
    """Your own music: RAW is a table of paths and tags.

    The table is a CSV or TSV file with the columns `path` and `tags`, or with `path` and one column per tag.
    """
    from keras_musictag.datasets.csv import manifest

    return manifest(raw, **options)


def check_out_is_not_in_raw(raw: Path, out: Path) -> None:
    """Rejects an OUT inside RAW: its folder would be mistaken for a tag, and shards would mix with tracks."""
    inside = out.resolve()
    if raw.resolve() in (inside, *inside.parents):
        raise ValueError(f"OUT must be outside RAW, {str(raw)!r}. Received: {str(out)!r}. Choose another folder.")


def prepare_records(make_manifest, options, out, storage, features, jobs, tracks_per_shard, allow_missing) -> None:
    """Prepares a dataset, and prints the result."""
    from keras_musictag.records.preparing import is_whole, prepare

    frontend = None
    if features is not None:
        start_keras()
        from keras_musictag.tagger.features import ClipFeatures

        frontend = ClipFeatures(features)
    manifest = make_manifest(**options)
    print_dataset(manifest)
    finished = is_whole(out)
    with track_progress() as report:
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
        click.echo(f"{out} was already complete: there was nothing to do.")
    print_records(records)

"""`keras-musictag tag`: the tags of tracks."""

import csv
import json
import sys

import click

from keras_musictag.choices import AGGREGATES
from keras_musictag.cli import _options


@click.command()
@_options.paths_argument
@_options.model_options
@click.option("--top", type=click.IntRange(min=1), default=10, help="Number of tags to print, highest score first.")
@click.option(
    "--aggregate", type=click.Choice(AGGREGATES), default="mean", help="How to merge the scores of a track's chunks."
)
@_options.tail_option
@_options.hop_option
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", help="Output format.")
def command(paths, model, weights, top, aggregate, tail, hop_seconds, form):
    """Print the tags of music files, with their scores.

    PATH... are files such as mp3, ogg, opus, flac, wav or m4a; `-` is standard input. A score is from 0 to 1. If a file
    cannot be read, the error is reported, the other files are tagged, and the exit code is 1.
    """
    _options.exit_if_all_are_missing(paths)
    tagger = _options.load_model(model, weights)

    def process(path):
        source = _options.audio_source(path)
        return path, tagger.tag(source, top=top, aggregate=aggregate, tail=tail, hop_seconds=hop_seconds)

    WRITERS[form](_options.each_track(paths, process))


def write_table(results) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    bar = "━" if console.encoding.lower().startswith("utf") else "="
    for path, result in results:
        # not as the table's title, which would wrap at its width; `Text` keeps [] and :: as they are
        title = Text(f"{_options.display_name(path)}, {result.duration_seconds:.1f} s", style="italic")
        console.print(title, soft_wrap=True)
        table = Table()
        table.add_column("tag")
        table.add_column("score", justify="right")
        table.add_column("", min_width=20)
        for tag, score in result.tags:
            table.add_row(Text(tag), f"{score:.3f}", bar * round(20 * score))
        console.print(table)
        if result.bad_packets:
            console.print(f"{result.bad_packets} damaged packets were skipped.")
        for note in result.notes:
            console.print(Text(note))


def write_json(results) -> None:
    rows = []
    try:
        rows.extend({**result.to_dict(), "track": _options.display_name(path)} for path, result in results)
    finally:  # also if some tracks failed
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))


def write_csv(results) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["track", "tag", "score"])
    for path, result in results:
        writer.writerows([_options.display_name(path), tag, f"{score:.6f}"] for tag, score in result.tags)


WRITERS = {"table": write_table, "json": write_json, "csv": write_csv}

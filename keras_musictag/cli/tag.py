"""`keras-musictag tag`: the tags of tracks."""

import csv
import json
import sys

import click

from keras_musictag.cli import _common


@click.command()
@_common.paths_argument
@_common.model_options
@click.option("--top", type=click.IntRange(min=1), default=10, help="Tags to show.")
@click.option("--aggregate", type=click.Choice(["mean", "median", "max"]), default="mean", help="Merges the chunks.")
@_common.tail_option
@_common.hop_option
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", help="Of the output.")
def command(paths, model, weights, top, aggregate, tail, hop_seconds, form):
    """Tag the tracks at PATH... (`-` is standard input).

    Reads mp3, ogg, opus, flac, wav and m4a. A file that cannot be read is told, and the rest are tagged.
    """
    tagger = _common.load_model(model, weights)

    def work(path):
        return path, tagger.tag(_common.source(path), None, top, aggregate, tail, hop_seconds)

    WRITERS[form](_common.each_track(paths, work))


def write_table(results) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    bar = "━" if console.encoding.lower().startswith("utf") else "="
    for path, result in results:
        table = Table(title=f"{escape(_common.shown(path))}, {result.duration_seconds:.1f} s", title_justify="left")
        table.add_column("tag")
        table.add_column("score", justify="right")
        table.add_column("", min_width=20)
        for tag, score in result.tags:
            table.add_row(escape(tag), f"{score:.3f}", bar * round(20 * score))
        console.print(table)
        if result.bad_packets:
            console.print(f"{result.bad_packets} damaged packets were skipped.")
        for note in result.notes:
            console.print(escape(note))


def write_json(results) -> None:
    rows = []
    try:
        rows.extend({**result.to_dict(), "track": _common.shown(path)} for path, result in results)
    finally:  # also where some tracks failed
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))


def write_csv(results) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["track", "tag", "score"])
    for path, result in results:
        writer.writerows([_common.shown(path), tag, f"{score:.6f}"] for tag, score in result.tags)


WRITERS = {"table": write_table, "json": write_json, "csv": write_csv}

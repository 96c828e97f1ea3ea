"""`keras-musictag taggram`: the scores of tracks over time."""

import click

from keras_musictag.cli import _options
from keras_musictag.files import write_csv


@click.command()
@_options.paths_argument
@_options.model_options
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=20,
    help="Number of tags to plot, those with the highest scores; a CSV file has all tags.",
)
@_options.tail_option
@_options.hop_option
@click.option(
    "--format", "form", type=click.Choice(["png", "svg", "pdf", "csv"]), default="png", help="Format of the files."
)
@_options.out_option
def command(paths, model, weights, top, tail, hop_seconds, form, out):
    """Plot the scores of music files over time, as taggrams.

    PATH... are music files; `-` is standard input. For each, <track>.taggram.png is written to the folder --out. With
    --format csv it is a table with one row per chunk and one column per tag.
    """
    files = _options.output_files(paths, out, f".taggram.{form}")
    _options.exit_if_all_are_missing(paths)
    tagger = _options.load_model(model, weights)

    def process(path):
        taggram = tagger.taggram(_options.audio_source(path), hop_seconds=hop_seconds, tail=tail)
        _options.print_notes(path, taggram.notes)
        if form == "csv":
            write_csv(files[path], *chunk_table(taggram))
        else:
            taggram.plot(files[path], top)
        return files[path]

    for file in _options.each_track(paths, process):
        click.echo(f"Wrote {file}")


def chunk_table(taggram):
    """Header and rows, one row per chunk: start and end in seconds, then one column per tag."""
    chunks = zip(taggram.start_seconds, taggram.end_seconds, taggram.scores, strict=True)
    rows = ([f"{start:.3f}", f"{end:.3f}", *(f"{score:.6f}" for score in scores)] for start, end, scores in chunks)
    return ["start_seconds", "end_seconds", *taggram.vocabulary], rows

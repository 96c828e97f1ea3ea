"""`keras-musictag export`: a tagger as a model for another runtime."""

from pathlib import Path

import click

from keras_musictag.choices import EXPORT_PRECISIONS, INPUTS
from keras_musictag.cli import _options
from keras_musictag.cli._messages import log_lines_hidden
from keras_musictag.runtimes import formats


@click.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@_options.model_options
@click.option("--format", "format_", type=click.Choice(formats.names()), required=True, help="Format to write.")
@click.option(
    "--precision",
    type=click.Choice(EXPORT_PRECISIONS),
    default="float32",
    help="Precision of the weights or the arithmetic; each format supports some of these.",
)
@click.option(
    "--input",
    "input_",
    type=click.Choice(INPUTS),
    default="waveform",
    help="What the model takes: audio, or the log-mel features of the front end.",
)
@click.option(
    "--version", type=click.IntRange(min=1), default=1, help="Version of a savedmodel: the name of its folder."
)
@click.option(
    "--audio",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Music file for the comparison with Keras.  [default: the demo clip]",
)
def command(out, model, weights, format_, precision, input_, version, audio):
    """Export a tagger for a server, a phone or another runtime.

    The folder OUT gets the model, its tags (tags.csv), facts about it (artefact.json), and a program that tags a file
    with it (example.py). The exported model is loaded in a fresh process and compared with Keras on music, silence,
    noise and samples at full scale. If a difference exceeds the tolerance, the export fails and leaves nothing behind.
    """
    from keras_musictag.runtimes.exporting import export
    from keras_musictag.zoo.engine_cache import licences_of
    from keras_musictag.zoo.resolving import resolve

    licences = licences_of(resolve(model, weights))
    tagger = _options.load_model(model, weights)
    with log_lines_hidden():
        artefact = export(tagger, format_, out, precision, input_, version, licences, audio)
    click.echo(f"Largest difference of a score from Keras (allowed: {artefact.tolerance:.0e}):")
    width = max(map(len, artefact.checks))
    for signal, difference in artefact.checks.items():
        click.echo(f"  {signal:{width}}  {difference:.1e}")
    click.echo(f"Wrote {out}. To tag with it:")
    click.echo(f"  python {out / 'example.py'} song.mp3")

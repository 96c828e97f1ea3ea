"""`keras-musictag evaluate`: how good a model is on a dataset."""

from pathlib import Path

import click

from keras_musictag.choices import CRITERIA
from keras_musictag.cli import _options, _progress
from keras_musictag.keras_start import start_keras


@click.command()
@click.argument("records", type=click.Path(file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@_options.model_options
@click.option("--name", help="Name of the model in tables.  [default: its own name]")
@click.option("--part", type=click.Choice(["test", "valid", "train"]), default="test", help="Part to evaluate on.")
@click.option("--chunks", type=click.IntRange(min=1), default=16, help="Chunks per track, evenly spaced.")
@click.option(
    "--hop-seconds",
    type=float,
    callback=_options.positive_seconds,
    help="Instead of --chunks: cover the whole track, with a chunk every so many seconds.",
)
@click.option(
    "--criterion",
    type=click.Choice(CRITERIA),
    default="mcc",
    help="Metric that the thresholds maximise on the validation part.",
)
@click.option("--resamples", type=click.IntRange(min=1), default=1000, help="Number of bootstrap resamples.")
def command(records, out, model, weights, name, part, chunks, hop_seconds, criterion, resamples):
    """Measure how well a model tags records, and write a report.

    RECORDS is a folder that `prepare` wrote. OUT/report.md has ROC-AUC, PR-AUC, average precision, MCC and F1 for
    tracks and for chunks: macro, micro and per tag, with bootstrap intervals over tracks. The thresholds for MCC and F1
    are chosen on the validation part. The folder OUT also keeps the predictions, for `compare`. If the command is
    interrupted, run it again to resume.
    """
    start_keras()
    from keras_musictag.evaluation.evaluating import evaluate
    from keras_musictag.evaluation.measuring import Resampling

    tagger = _options.load_model(model, weights)
    with _progress.track_progress() as progress:
        report = evaluate(
            tagger,
            records,
            out,
            name=name,
            part=part,
            chunks=chunks,
            hop_seconds=hop_seconds,
            criterion=criterion,
            resampling=Resampling(resamples),
            progress=progress,
        )
    print_metrics(report)
    click.echo(f"Wrote {out}")


def print_metrics(report) -> None:
    """Prints the macro values of a report, and what they leave out."""
    group = report.group()
    for metric, measured in group.metrics.items():
        value, low, high = measured.macro
        click.echo(f"{metric:18} {value:.4f} ({low:.4f} to {high:.4f})")
    left_out = group.metrics["roc_auc"].left_out
    if left_out:
        click.echo(
            f"Left out: {left_out} of {len(report.vocabulary)} tags, because all or none of the tracks have them."
        )
    if report.levels["track"].thresholds is None:
        click.echo("MCC and F1 are missing: there are no validation scores to choose thresholds on.")

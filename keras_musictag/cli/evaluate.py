"""`keras-musictag evaluate`: how good a model is on a dataset."""

from pathlib import Path

import click

from keras_musictag.choices import CRITERIA
from keras_musictag.cli import _options, _progress


@click.command()
@click.argument("records", type=click.Path(file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@_options.model_options
@click.option("--name", help="What tables call the model.  [default: its own name]")
@click.option("--part", type=click.Choice(["test", "valid", "train"]), default="test", help="What is measured.")
@click.option("--chunks", type=click.IntRange(min=1), default=16, help="Of each track, evenly spread.")
@click.option(
    "--hop-seconds",
    type=float,
    callback=_options._positive,
    help="Instead of --chunks: hear the whole track, a chunk every so many seconds.",
)
@click.option("--criterion", type=click.Choice(CRITERIA), default="mcc", help="What thresholds maximise on valid.")
@click.option("--resamples", type=click.IntRange(min=1), default=1000, help="Of the bootstrap.")
def command(records, out, model, weights, name, part, chunks, hop_seconds, criterion, resamples):
    """Measure a model on RECORDS (a folder that `prepare` wrote) and write the report to the folder OUT.

    ROC-AUC, PR-AUC, average precision, MCC and F1, of tracks and of chunks, each macro, micro and per tag, with
    bootstrap intervals over tracks. Thresholds are chosen on the validation part. The predictions are kept: every
    number can be computed from them again, and `compare` does. Interrupted, the same command goes on.
    """
    from keras_musictag.evaluation.evaluating import evaluate
    from keras_musictag.evaluation.measuring import Resampling

    tagger = _options.load_model(model, weights)
    with _progress.counted() as progress:
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
    tell_metrics(report)
    click.echo(f"Wrote {out}")


def tell_metrics(report) -> None:
    """The macro values of a report, and what they leave out."""
    group = report.group()
    for metric, measured in group.metrics.items():
        value, low, high = measured.macro
        click.echo(f"{metric:18} {value:.4f} ({low:.4f} to {high:.4f})")
    left_out = group.metrics["roc_auc"].left_out
    if left_out:
        click.echo(f"Left out: {left_out} of {len(report.vocabulary)} tags, which all or none of these tracks have.")
    if report.levels["track"].thresholds is None:
        click.echo("No MCC and F1: there are no validation scores to choose thresholds on.")

"""`keras-musictag evaluate`: how good a model is on a dataset."""

from pathlib import Path

import click

from keras_musictag.cli import _common, _progress


@click.command()
@click.argument("records", type=click.Path(file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@_common.model_options
@click.option("--name", help="What tables call the model.  [default: its own name]")
@click.option("--part", type=click.Choice(["test", "valid", "train"]), default="test", help="What is measured.")
@click.option("--chunks", type=click.IntRange(min=1), default=16, help="Of each track, evenly spread.")
@_common.hop_option
@click.option("--criterion", type=click.Choice(["mcc", "f1"]), default="mcc", help="What thresholds maximise on valid.")
@click.option("--resamples", type=click.IntRange(min=1), default=1000, help="Of the bootstrap.")
def command(records, out, model, weights, name, part, chunks, hop_seconds, criterion, resamples):
    """Measure a model on RECORDS (a folder that `prepare` wrote) and write the report to the folder OUT.

    ROC-AUC, PR-AUC, average precision, MCC and F1, of tracks and of chunks, each macro, micro and per tag, with
    bootstrap intervals over tracks. Thresholds are chosen on the validation part. The predictions are kept: every
    number can be computed from them again, and `compare` does. Interrupted, the same command goes on. With
    --hop-seconds the whole track is heard, instead of --chunks.
    """
    from keras_musictag.evaluation.evaluate import evaluate
    from keras_musictag.evaluation.measure import Resampling

    tagger = _common.load_model(model, weights)
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
    for metric, measured in report.group().metrics.items():
        value, low, high = measured.macro
        click.echo(f"{metric:18} {value:.4f} ({low:.4f} to {high:.4f})")
    click.echo(f"Wrote {out}")

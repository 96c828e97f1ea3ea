"""`keras-musictag robustness`: how much the metrics of models drop on deformed audio."""

from pathlib import Path

import click

from keras_musictag.cli import _options, _progress
from keras_musictag.keras_start import start_keras


@click.command()
@click.argument("records", type=click.Path(file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--model", "models", multiple=True, required=True, help="Model to evaluate, as for `tag`; can be repeated."
)
@click.option(
    "--name",
    "names",
    multiple=True,
    help="Name of a model in tables: one for each --model, in the same order.  [default: its own name]",
)
@click.option(
    "--conditions",
    default="all",
    help="Deformations: paper (those of the 2020 evaluation), all, or names separated by commas, such as noise_0.1.",
)
@click.option("--chunks", type=click.IntRange(min=1), default=16, help="Chunks per track, evenly spaced.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Random seed for the noise.")
@click.option("--resamples", type=click.IntRange(min=1), default=1000, help="Number of bootstrap resamples.")
def command(records, out, models, names, conditions, chunks, seed, resamples):
    """Measure how far metrics drop when the audio is deformed.

    The models are evaluated on the original and the deformed test tracks of RECORDS, a folder that `prepare` wrote. The
    deformations are time stretch, pitch shift, dynamic range compression and white noise, as in the 2020 evaluation,
    and also MP3, a lower sample rate, low-pass filters and gain. OUT/robustness.md lists the drop of each model under
    each condition. OUT/MODEL/CONDITION is a folder as `evaluate` writes it. If the command is interrupted, run it again
    to resume.
    """
    start_keras()
    from keras_musictag.evaluation.measuring import Resampling
    from keras_musictag.robustness.condition_runs import measure_robustness, name_taggers
    from keras_musictag.robustness.conditions import choose_conditions
    from keras_musictag.robustness.drop_files import write_robustness
    from keras_musictag.robustness.drops import measure_drops

    conditions = choose_conditions(conditions)
    taggers = name_taggers([_options.load_model(model, "default") for model in models], names)
    with _progress.track_progress() as progress:
        settings = {"seed": seed, "chunks": chunks, "resampling": Resampling(resamples), "progress": progress}
        measure_robustness(taggers, records, out, conditions, **settings)
    result = measure_drops(out, list(taggers), conditions)
    for model in taggers:
        for condition in conditions:
            found = result.drops[model, condition, "pr_auc"]
            click.echo(f"{model}, {condition:20} pr_auc {found.value:.4f}, drop {found.drop:+.4f}")
    for path in write_robustness(result, out):
        click.echo(f"Wrote {path}")

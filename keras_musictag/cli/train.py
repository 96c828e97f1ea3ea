"""`keras-musictag train`: records and a recipe become a tagger."""

from pathlib import Path

import click

from keras_musictag.choices import EXAMPLE_LEVELS, PRECISIONS
from keras_musictag.cli import _progress
from keras_musictag.keras_start import start_keras


@click.command()
@click.argument("records", type=click.Path(file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--model", default="short_chunk_cnn", help="Architecture to train; with --weights, any model that `tag` accepts."
)
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    metavar="MODEL",
    help="Trained tagger, as for `tag --model`, whose scores replace the labels; repeat it to use the mean of several.",
)
@click.option("--weights", help="Pretrained weights to start from, as for `tag`.  [default: random]")
@click.option(
    "--config",
    help="Settings of the architecture to change: JSON such as '{\"units\": 128}', or the path of a JSON file.",
)
@click.option(
    "--recipe",
    help="Recipe: won2020, short, finetune, teach, or a JSON file.  [default: short; with --teacher, teach]",
)
@click.option(
    "--level",
    type=click.Choice(EXAMPLE_LEVELS),
    default="chunk",
    help="Length of an example: the network's own chunk (chunk), or 29 s (song).",
)
@click.option("--precision", type=click.Choice(PRECISIONS), default="float32", help="Precision of the arithmetic.")
@click.option("--epochs", type=click.IntRange(min=1), help="Maximum epochs per phase.  [default: the recipe's]")
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    help="Maximum steps per phase, instead of --epochs; rounded up to whole epochs.",
)
@click.option(
    "--batch-size", type=click.IntRange(min=1), help="Examples per step, over all devices.  [default: the recipe's]"
)
@click.option("--seed", type=click.IntRange(min=0), help="Random seed.  [default: the recipe's]")
@click.option("--deterministic", is_flag=True, help="Make every run give exactly the same weights; slower.")
@click.option(
    "--checkpoint-seconds",
    type=click.FloatRange(min=0),
    default=120.0,
    help="Seconds between checkpoints: the most work that is lost if the process is killed.",
)
def command(
    records,
    out,
    model,
    teachers,
    weights,
    config,
    recipe,
    level,
    precision,
    epochs,
    steps,
    batch_size,
    seed,
    deterministic,
    checkpoint_seconds,
):
    """Train a tagger on records that `prepare` wrote.

    With --teacher, RECORDS need no labels. OUT/model.keras is the tagger that is best on the validation part, and
    OUT/log.csv has one row per epoch. To tag with the tagger, run `keras-musictag tag --model OUT/model.keras
    song.mp3`. If the command is interrupted, run it again to resume.
    """
    with _progress.training() as (on_step, on_epoch, _):
        start_keras()
        from keras_musictag.training.recipe import read_recipe, with_changes
        from keras_musictag.training.trainer import train

        recipe = read_recipe(recipe or ("teach" if teachers else "short"))
        changed = with_changes(recipe, epochs=epochs, steps=steps, batch_size=batch_size, seed=seed)
        path = train(
            records,
            out,
            model,
            changed,
            teachers=teachers,
            weights=weights,
            config=read_config(config) if config else None,
            level=level,
            precision=precision,
            deterministic=deterministic,
            checkpoint_seconds=checkpoint_seconds,
            on_step=on_step,
            on_epoch=on_epoch,
        )
    click.echo(f"Wrote {path}")


def read_config(text: str) -> dict:
    """Reads settings from JSON, or from the JSON file that `text` names."""
    import json

    path = Path(text)
    content = path.read_text(encoding="utf-8") if text.endswith(".json") else text
    try:
        config = json.loads(content)
    except ValueError as error:
        raise ValueError(
            f"--config must be JSON, such as '{{\"units\": 128}}', or a JSON file. Received: {text} ({error})."
        ) from None
    if not isinstance(config, dict):
        raise ValueError(f"--config must be a JSON object of settings. Received: {content}")
    return config

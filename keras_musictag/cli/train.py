"""`keras-musictag train`: records and a recipe -> a tagger."""

from pathlib import Path

import click

from keras_musictag.choices import EXAMPLE_LEVELS, PRECISIONS
from keras_musictag.cli import _progress
from keras_musictag.keras_start import start_keras


@click.command()
@click.argument("records", type=click.Path(file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--model", default="short_chunk_cnn", help="An architecture; with --weights, what `tag` takes.")
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    metavar="MODEL",
    help="A trained tagger whose answers are learned, as `tag` takes it; give several times for their mean. RECORDS "
    "need no labels then.",
)
@click.option("--weights", help="Pretrained weights to start from.  [default: random ones]")
@click.option(
    "--config", help="Change settings of the architecture: JSON such as '{\"units\": 128}', or the path of a JSON file."
)
@click.option(
    "--recipe",
    help="won2020, short, finetune, teach, or the path of a JSON file.  [default: short; with --teacher, teach]",
)
@click.option(
    "--level",
    type=click.Choice(EXAMPLE_LEVELS),
    default="chunk",
    help="What an example is: a chunk of the network's own length, or 29 s at once.",
)
@click.option("--precision", type=click.Choice(PRECISIONS), default="float32")
@click.option("--epochs", type=click.IntRange(min=1), help="At most so many in each phase.  [default: the recipe's]")
@click.option("--steps", type=click.IntRange(min=1), help="So many in each phase, up to a whole epoch, instead.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Over all devices.  [default: the recipe's]")
@click.option("--seed", type=click.IntRange(min=0), help="[default: the recipe's]")
@click.option("--deterministic", is_flag=True, help="The same weights to the bit in each run; slower.")
@click.option("--checkpoint-seconds", type=click.FloatRange(min=0), default=120.0, help="Most work that a kill loses.")
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
    """Train a tagger on RECORDS (a folder that `prepare` wrote) and write it, with its log, to the folder OUT.

    Interrupted, the same command goes on where it stopped. OUT/model.keras is the tagger that is best on the
    validation part: `keras-musictag tag --model OUT/model.keras song.mp3`.
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
    """Settings from JSON, or from the JSON file that the text names."""
    import json

    path = Path(text)
    content = path.read_text(encoding="utf-8") if text.endswith(".json") else text
    try:
        config = json.loads(content)
    except ValueError as error:
        raise ValueError(f"--config must be JSON, such as '{{\"units\": 128}}', or a file of it: {error}.") from None
    if not isinstance(config, dict):
        raise ValueError(f"--config must be a JSON object of settings. Received: {content}")
    return config

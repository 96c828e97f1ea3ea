"""`keras-musictag train`: records and a recipe -> a tagger."""

from pathlib import Path

import click

from keras_musictag.cli import _progress


@click.command()
@click.argument("records", type=click.Path(file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--model", default="short_chunk_cnn", help="An architecture; with --weights, what `tag` takes.")
@click.option("--weights", help="Pretrained weights to start from.  [default: random ones]")
@click.option("--recipe", default="short", help="won2020, short, finetune, or the path of a JSON file.")
@click.option(
    "--level",
    type=click.Choice(["chunk", "song"]),
    default="chunk",
    help="What an example is: a chunk of the network's own length, or 29 s at once.",
)
@click.option("--precision", type=click.Choice(["float32", "bfloat16", "float16"]), default="float32")
@click.option("--epochs", type=click.IntRange(min=1), help="At most so many in each phase.  [default: the recipe's]")
@click.option("--batch-size", type=click.IntRange(min=1), help="Over all devices.  [default: the recipe's]")
@click.option("--seed", type=click.IntRange(min=0), help="[default: the recipe's]")
@click.option("--deterministic", is_flag=True, help="The same weights to the bit in each run; slower.")
@click.option("--checkpoint-seconds", type=click.FloatRange(min=0), default=120.0, help="Most work that a kill loses.")
def command(
    records, out, model, weights, recipe, level, precision, epochs, batch_size, seed, deterministic, checkpoint_seconds
):
    """Train a tagger on RECORDS (a folder that `prepare` wrote) and write it, with its log, to the folder OUT.

    Interrupted, the same command goes on where it stopped. OUT/model.keras is the tagger that is best on the
    validation part: `keras-musictag tag --model OUT/model.keras song.mp3`.
    """
    with _progress.training() as (on_step, on_epoch, _):
        from keras_musictag.training.recipe import read_recipe, with_changes
        from keras_musictag.training.run import train

        changed = with_changes(read_recipe(recipe), epochs=epochs, batch_size=batch_size, seed=seed)
        path = train(
            records,
            out,
            model,
            changed,
            weights=weights,
            level=level,
            precision=precision,
            deterministic=deterministic,
            checkpoint_seconds=checkpoint_seconds,
            on_step=on_step,
            on_epoch=on_epoch,
        )
    click.echo(f"Wrote {path}")

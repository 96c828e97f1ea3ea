"""`keras-musictag zoo`: the user's own zoo entries."""

from pathlib import Path

import click

from keras_musictag.keras_start import start_keras

out_option = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write the entry's folder into.  [default: the user's zoo folder]",
)


@click.group()
def command():
    """Make zoo entries of your own."""


@command.command("import")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--architecture", required=True, help="The network it is of, such as fcn or harmonic_cnn.")
@click.option("--dataset", required=True, help="Whose tags it gives: mtat, msd or mtg-jamendo.")
@out_option
def import_(checkpoint, architecture, dataset, out):
    """Make a zoo entry of CHECKPOINT, a PyTorch file of the 2020 evaluation (sota-music-tagging-models).

    PyTorch is not needed, and nothing in the file is run: one that holds more than tensors is refused.
    """
    start_keras()
    from keras_musictag.zoo.importers.checkpoint import import_checkpoint

    tell_entry(import_checkpoint(checkpoint, architecture, dataset, out))


@command.command("add")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--evaluation", type=click.Path(path_type=Path), help="What `evaluate` wrote.  [default: RUN/evaluation, if there]"
)
@click.option("--name", help="Such as vgg-mine-v1.  [default: ARCHITECTURE-DATASET-vN, the next free one]")
@out_option
@click.option("--summary", help="A sentence for `models`.  [default: what was trained on what]")
@click.option("--licence", default="not stated", help="Of the weights.")
def add(run, evaluation, name, out, summary, licence):
    """Make a zoo entry of RUN, a folder that `train` or `finetune` has finished.

    Its card has the metrics and the thresholds of the evaluation, which must be of RUN's model.keras on the part test
    of the records it was trained on.
    """
    from keras_musictag.evaluation.zoo_entry import add_entry
    from keras_musictag.zoo.card import read_card

    folder = add_entry(run, evaluation, name=name, out=out, summary=summary, licence=licence)
    if not read_card(folder).metrics:
        click.echo("Its card has no metrics: pass --evaluation to state them.")
    tell_entry(folder)


def tell_entry(folder: Path) -> None:
    """Where an entry was written, and how to load it."""
    from keras_musictag.user_folders import user_folder

    model = folder.name if folder.parent == user_folder() else str(folder)
    click.echo(f"Wrote {folder}")
    click.echo(f"Load it: keras_musictag.load({model!r}), or keras-musictag tag --model {model!r} PATH...")

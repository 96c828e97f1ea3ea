"""`keras-musictag zoo`: the user's own zoo entries."""

from pathlib import Path

import click

from keras_musictag.keras_start import start_keras

out_option = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder in which to create the entry's folder.  [default: the user's zoo folder]",
)


@click.group()
def command():
    """Make zoo entries: your own models, which you can load by name."""


@command.command("import")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--architecture", required=True, help="Architecture of the network, such as fcn or harmonic_cnn.")
@click.option("--dataset", required=True, help="Dataset whose tags the network predicts: mtat, msd or mtg-jamendo.")
@out_option
def import_(checkpoint, architecture, dataset, out):
    """Make a zoo entry from a checkpoint of the 2020 evaluation.

    CHECKPOINT is a PyTorch file of sota-music-tagging-models. The entry is a folder with the weights and a card.

    PyTorch is not needed, and no code in the file is run: a file that contains anything but tensors is rejected.
    """
    start_keras()
    from keras_musictag.zoo.importers.checkpoint import import_checkpoint

    print_entry(import_checkpoint(checkpoint, architecture, dataset, out))


@command.command("add")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--evaluation",
    type=click.Path(path_type=Path),
    help="Folder that `evaluate` wrote.  [default: RUN/evaluation, if it exists]",
)
@click.option(
    "--name", help="Name of the entry, such as vgg-mine-v1.  [default: the next free ARCHITECTURE-DATASET-vN]"
)
@out_option
@click.option(
    "--summary", help="One sentence that describes the model, for the card.  [default: architecture and dataset]"
)
@click.option("--licence", default="not stated", help="Licence of the weights.")
def add(run, evaluation, name, out, summary, licence):
    """Make a zoo entry from a finished training run.

    RUN is a folder that `train` or `finetune` wrote. The entry is a folder with the weights and a card, which states
    the metrics and thresholds of the evaluation. The evaluation must be of RUN/model.keras, on the test part of the
    records that the model was trained on.
    """
    start_keras()
    from keras_musictag.evaluation.zoo_entry import add_entry
    from keras_musictag.zoo.card import read_card

    folder = add_entry(run, evaluation, name=name, out=out, summary=summary, licence=licence)
    if not read_card(folder).metrics:
        click.echo("The card has no metrics. To add them, pass --evaluation.")
    print_entry(folder)


def print_entry(folder: Path) -> None:
    """Prints where an entry was written, and how to load it."""
    from keras_musictag.user_folders import user_folder

    model = folder.name if folder.parent == user_folder() else str(folder)
    click.echo(f"Wrote {folder}")
    click.echo(f"To load it: keras_musictag.load({model!r}), or keras-musictag tag --model {model!r} PATH...")

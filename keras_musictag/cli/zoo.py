"""`keras-musictag zoo`: the user's own zoo entries."""

from pathlib import Path

import click


@click.group()
def command():
    """Make zoo entries of your own."""


@command.command("import")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--architecture", required=True, help="The network it is of, such as fcn or harmonic_cnn.")
@click.option("--dataset", required=True, help="Whose tags it gives: mtat, msd or mtg-jamendo.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write the entry's folder into.  [default: the user's zoo folder]",
)
def import_(checkpoint, architecture, dataset, out):
    """Make a zoo entry of CHECKPOINT, a PyTorch file of the 2020 evaluation (sota-music-tagging-models).

    PyTorch is not needed, and nothing in the file is run: one that holds more than tensors is refused.
    """
    from keras_musictag.zoo.catalog import user_folder
    from keras_musictag.zoo.importers.checkpoint import import_checkpoint

    folder = import_checkpoint(checkpoint, architecture, dataset, out)
    model = folder.name if folder.parent == user_folder() else str(folder)
    click.echo(f"Wrote {folder}")
    click.echo(f"Load it: keras_musictag.load({model!r}), or keras-musictag tag --model {model!r} PATH...")

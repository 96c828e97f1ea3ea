"""Options that the commands of `keras-musictag library` share."""

from pathlib import Path

import click

database_option = click.option(
    "--db",
    "database_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Database of the library.  [default: library.db in the user's data folder]",
)


def open_database(path: Path | None, create: bool = False):
    """Opens the database of `--db`."""
    from keras_musictag.library.database import Database, default_database

    return Database(path or default_database(), create)

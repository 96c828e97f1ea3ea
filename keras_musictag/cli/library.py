"""`keras-musictag library`: tag, search and write back a whole music library."""

import click

from keras_musictag.cli import _library_scan


@click.group()
def command():
    """Tag, search and write back a whole music library."""


command.add_command(_library_scan.scan)
command.add_command(_library_scan.problems)
command.add_command(_library_scan.info)

"""`keras-musictag library`: tag, search and write back a whole music library."""

import click

from keras_musictag.cli import _library_search, _library_write


@click.group()
def command():
    """Tag, search and write back a whole music library."""


command.add_command(_library_search.rules)
command.add_command(_library_search.search)
command.add_command(_library_search.export)
command.add_command(_library_search.report)
command.add_command(_library_write.write)
command.add_command(_library_write.undo)

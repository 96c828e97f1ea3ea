"""`keras-musictag library`: tag, search and write back a whole music library."""

import click

from keras_musictag.cli import _library_parts, _library_scan, _library_search, _library_write


@click.group()
def command():
    """Tag, search and write back a whole music library."""


for subcommand in (
    _library_scan.scan,
    _library_scan.problems,
    _library_scan.info,
    _library_search.search,
    _library_search.report,
    _library_search.export,
    _library_search.rules,
    _library_write.write,
    _library_write.undo,
    _library_parts.distribute,
    _library_parts.import_,
):
    command.add_command(subcommand)

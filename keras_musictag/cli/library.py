"""`keras-musictag library`: tag, search and write back a whole music library."""

import click


@click.group()
def command():
    """Tag, search and write back a whole music library."""

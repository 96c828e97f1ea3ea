"""`keras-musictag serve`: the page and the REST interface."""

import os
import secrets
from pathlib import Path

import click

from keras_musictag.cli._messages import print_to_stderr
from keras_musictag.errors import MusicTagError

TOKEN_VARIABLE = "KERAS_MUSICTAG_TOKEN"
MEBIBYTE = 2**20
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="A zoo entry to offer; repeat it for several.  [default: all whose weights are on this machine]",
)
@click.option(
    "--engine",
    type=click.Choice(["onnx", "litert", "openvino", "savedmodel", "keras"]),
    help="Runtime of the models.  [default: Keras itself]",
)
@click.option(
    "--db",
    "database",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Database of `library scan` to search.",
)
@click.option(
    "--records", multiple=True, type=FOLDER, help="Folder of records to evaluate models on; repeat it for several."
)
@click.option(
    "--reports", multiple=True, type=FOLDER, help="Folder of runs of `evaluate` to show; repeat it for several."
)
@click.option("--host", default="127.0.0.1", help="Address or name to listen on. Other machines need a token.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, help="Port to listen on.")
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Another name by which clients reach the server, such as that of a proxy; repeat it for several.",
)
@click.option("--no-token", is_flag=True, help="Require no token, even if other machines can reach the server.")
@click.option("--max-upload-mb", type=click.IntRange(min=1), default=200, help="Largest upload, in MiB.")
@click.option(
    "--max-minutes", type=click.FloatRange(min=0, min_open=True), default=180.0, help="Longest track, in minutes."
)
@click.option(
    "--max-queued", type=click.IntRange(min=1), default=512, help="Most chunks of all clients that wait for a model."
)
@click.option("--max-memory-mb", type=click.IntRange(min=1), default=2048, help="Memory for loaded models, in MiB.")
def command(models, no_token, host, max_upload_mb, max_minutes, max_queued, max_memory_mb, **others):
    """Serve a page to tag songs, compare models and search music.

    The page is at http://127.0.0.1:8000/, and its REST interface is described at /docs. If other machines can reach the
    server, clients need the token in the printed address; the environment variable KERAS_MUSICTAG_TOKEN sets another
    one. Ctrl-C ends the server.
    """
    try:
        from keras_musictag.web.server import serve
        from keras_musictag.web.settings import ServerSettings, is_loopback
    except ImportError as error:
        raise MusicTagError(f'The page needs the package {error.name}: pip install "keras-musictag[web]".') from error
    token = None if no_token else os.environ.get(TOKEN_VARIABLE) or None
    if token is None and not is_loopback(host):
        if no_token:
            print_to_stderr(f"Everyone who can reach {host} can use this server: it requires no token.")
        else:
            token = secrets.token_urlsafe(24)
    serve(
        ServerSettings(
            models=models,
            host=host,
            token=token,
            max_upload_bytes=max_upload_mb * MEBIBYTE,
            max_audio_seconds=60 * max_minutes,
            max_queued_chunks=max_queued,
            max_memory_bytes=max_memory_mb * MEBIBYTE,
            **others,
        )
    )

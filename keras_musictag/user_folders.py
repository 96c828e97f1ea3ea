"""The folders of the user's own files; the environment variable KERAS_MUSICTAG_HOME moves all of them."""

import os
from pathlib import Path

import platformdirs

from keras_musictag.errors import MusicTagError

HOME_VARIABLE = "KERAS_MUSICTAG_HOME"


def user_folder() -> Path:
    """The folder of the user's own zoo entries."""
    return data_folder() / "zoo"


def data_folder() -> Path:
    """The folder of the user's own data, such as the database of the music library."""
    return _home() or platformdirs.user_data_path("keras_musictag")


def cache_folder(kind: str) -> Path:
    """The folder of files that can be made again.

    Args:
        kind: "weights" for fetched weights, or "exports".
    """
    return (_home() or platformdirs.user_cache_path("keras_musictag")) / kind


def cannot_be_kept(what: str, folder: Path, error: OSError) -> MusicTagError:
    """The error if one of these folders cannot be written to; `what` is the subject of the sentence."""
    return MusicTagError(
        f"{what} cannot be kept in {folder} ({error.strerror or error}). Set {HOME_VARIABLE} to a folder that can be "
        "written to."
    )


def _home() -> Path | None:
    home = os.environ.get(HOME_VARIABLE)
    return Path(home).expanduser() if home else None

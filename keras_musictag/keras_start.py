"""Imports Keras; where the user's settings keep it from starting, says which and in which file they are."""

import os

from keras_musictag.errors import MusicTagError


def start_keras() -> None:
    """Imports Keras, to be called before a module that needs it is imported.

    Raises:
        MusicTagError: If Keras does not start with the settings in `keras.json` and `KERAS_BACKEND`, such as a backend
            that is not installed.
    """
    try:
        import keras  # noqa: F401
    except Exception as error:
        settings = _settings()
        if not settings:
            raise
        cause = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
        raise MusicTagError(
            f"Keras does not start with the settings {settings} ({cause}). Correct or remove them: a backend must be "
            "installed and one of tensorflow, jax and torch, `floatx` float16, float32 or float64, `epsilon` a "
            "decimal number, `image_data_format` channels_last or channels_first."
        ) from error


def _settings() -> str:
    """What the user has set, for a message: empty where nothing was."""
    path = _keras_json()
    found = []
    if "KERAS_BACKEND" in os.environ:
        found.append(f"KERAS_BACKEND={os.environ['KERAS_BACKEND']}")
    try:
        with open(path, encoding="utf-8") as file:
            found.append(f"{' '.join(file.read(500).split())} in {path}")
    except (OSError, ValueError):
        pass
    return " and ".join(found)


def _keras_json() -> str:
    """Where Keras looks for its settings."""
    if "KERAS_HOME" in os.environ:
        folder = os.environ["KERAS_HOME"]
    else:
        home = os.path.expanduser("~")
        folder = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return os.path.expanduser(os.path.join(folder, "keras.json"))

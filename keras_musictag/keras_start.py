"""Imports Keras. If the user's settings prevent it from starting, the error names them and their file."""

import atexit
import gc
import os
from collections.abc import Callable

import lazy_loader

from keras_musictag.errors import MusicTagError


def start_keras() -> None:
    """Imports Keras. Call it before you import a module that needs Keras.

    On exit, Python looks for garbage several times, and with TensorFlow's 400,000 objects this takes a second of CPU.
    `gc.freeze` makes it skip them: the system frees the memory in any case.

    Raises:
        MusicTagError: If Keras does not start with the settings in `keras.json` and `KERAS_BACKEND`, for example
            because a backend is not installed.
    """
    atexit.unregister(gc.freeze)  # by an earlier call
    atexit.register(gc.freeze)
    try:
        import keras  # noqa: F401
    except Exception as error:
        settings = _settings()
        if not settings:
            raise
        cause = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
        raise MusicTagError(
            f"Keras does not start with the settings {settings} ({cause}). Correct or remove them: `backend` must be "
            "tensorflow, jax or torch and installed, `floatx` must be float16, float32 or float64, `epsilon` a decimal "
            "number, and `image_data_format` channels_last or channels_first."
        ) from error


def attach_stub(package: str, file: str) -> tuple[Callable, Callable, list[str]]:
    """Like `lazy_loader.attach_stub`, but if Keras does not start when a public name is first used, the error says why.

    Args:
        package: Name of the package: its `__name__`.
        file: Path of its `__init__.py`: its `__file__`.

    Returns:
        The `__getattr__`, `__dir__` and `__all__` of the package.
    """
    import_name, list_names, names = lazy_loader.attach_stub(package, file)

    def import_or_explain(name: str):
        try:
            return import_name(name)
        except MusicTagError:  # which explains itself
            raise
        except Exception:
            if name in names:
                start_keras()  # raises the explanation if Keras does not start
            raise

    return import_or_explain, list_names, names


def _settings() -> str:
    """The user's settings, for a message; empty if there are none."""
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
    """The path at which Keras looks for its settings."""
    if "KERAS_HOME" in os.environ:
        folder = os.environ["KERAS_HOME"]
    else:
        home = os.path.expanduser("~")
        folder = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return os.path.expanduser(os.path.join(folder, "keras.json"))

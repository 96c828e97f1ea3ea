"""Automatic music tagging with Keras: models, their weights, and everything around them.

    import keras_musictag as kmt

    tagger = kmt.load("musicnn")
    print(tagger.tag("song.mp3"))

Every name is imported when it is first used: `import keras_musictag` alone loads no TensorFlow.
"""

import importlib

from keras_musictag import processes  # noqa: F401 - it must see every fork
from keras_musictag.errors import AudioError, ChecksumError, ExportError, MusicTagError, UnknownNameError

__version__ = "0.1.0"

_HOMES = {
    "load": "keras_musictag.zoo.loading",
    "build": "keras_musictag.zoo.keras_loading",
    "list_models": "keras_musictag.zoo.catalog",
    "export": "keras_musictag.runtimes.exporting",
    "EngineTagger": "keras_musictag.runtimes.engine_tagger",
    "Tagger": "keras_musictag.tagger",
    "TagResult": "keras_musictag.tagger",
    "Taggram": "keras_musictag.tagger",
    "Vocabulary": "keras_musictag.tags.vocabulary",
    "demo_clip": "keras_musictag.bundled_files",
}

__all__ = ["AudioError", "ChecksumError", "ExportError", "MusicTagError", "UnknownNameError", *_HOMES]


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

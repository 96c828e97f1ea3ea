"""A waveform or file -> a track's scores.

A folder rather than one file: the Keras model, what it says of a track, and the plot are three ideas, and the
engines (row 6 of docs/LAYOUT.md) share the second and the third. They do without Keras: so each name is imported when
it is first used.
"""

import importlib

from keras_musictag.keras_start import start_keras

_HOMES = {"TagResult": "results", "Tagger": "model", "TaggerSpec": "spec", "Taggram": "results"}

__all__ = ["TagResult", "Tagger", "TaggerSpec", "Taggram"]


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "Tagger":
        start_keras()
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

"""Taggers in other runtimes: `exporting` writes them, `engine_tagger` runs them, one module of `formats` per format."""

from keras_musictag.keras_start import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)

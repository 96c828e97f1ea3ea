"""Keras layers that two or more parts of the package use, for every backend, and the Keras settings they rely on."""

from keras_musictag.keras_start import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)

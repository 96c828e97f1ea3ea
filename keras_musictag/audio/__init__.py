"""Waveforms: read, resample, cut into chunks, deform. Needs no TensorFlow."""

from keras_musictag.keras_start import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)

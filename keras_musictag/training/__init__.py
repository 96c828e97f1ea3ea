"""Training: records and a recipe -> a trained tagger."""

from keras_musictag.keras_start import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)

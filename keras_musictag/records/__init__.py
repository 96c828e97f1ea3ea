"""Records: a dataset as TFRecord shards, written once, read by tf.data or by any Keras backend."""

from keras_musictag.keras_start import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)

"""Records: a dataset as TFRecord shards, written once, read by tf.data or by any Keras backend."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Keras layers that two or more parts use. On `keras.ops` alone, so they run on every backend."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Keras layers that two or more parts of the package use, for every backend, and the Keras settings they rely on."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Taggers in other runtimes: `exporting` writes them, `engine_tagger` runs them, one module of `formats` per format."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""The page and the REST interface: choose a model, hear a song, see its tags, compare the models.

`create_app` makes the ASGI application, and `serve` runs it, as `keras-musictag serve` does. Needs the extra `web`.
"""

from keras_musictag.keras_start import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)

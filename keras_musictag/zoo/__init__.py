"""A name -> a Tagger with its weights. The folder `zoo/` is the registry: each entry in it has a card.

Nothing is imported here: listing the entries (`catalog`) loads no TensorFlow, loading one (`load`) does.
"""

from keras_musictag.keras_start import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)

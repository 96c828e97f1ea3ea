"""A name -> a Tagger with its weights. The folder `zoo/` is the registry: each entry in it has a card.

Nothing is imported here: listing the entries (`catalog`) loads no TensorFlow, loading one (`load`) does.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

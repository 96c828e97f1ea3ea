"""Architectures turn features into an embedding. Each module is one architecture.

A module has a docstring with its source, a frozen `Config` (with the `dropout` of the head), the front end (`FRONTEND`)
and chunking (`CHUNKING`) with which the network was published, whether it can be built for other lengths
(`ANY_LENGTH`), and `body(x, config)`, which ends with the penultimate layer. The head (dropout, "logits", "scores") is
the same for all networks. `tagger.network` adds it, so that the same body can have any list of tags, or none.
"""

import sys
from types import ModuleType

from keras_musictag.registry import load_module, module_names


def names() -> list[str]:
    """Returns the names of all architectures.

    Example:
        >>> "musicnn" in names()
        True
    """
    return module_names(sys.modules[__name__])


def get(name: str) -> ModuleType:
    """Returns the module of an architecture; raises UnknownNameError if there is no such architecture."""
    return load_module(sys.modules[__name__], "architecture", name)

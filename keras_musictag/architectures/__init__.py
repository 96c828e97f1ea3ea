"""Architectures: features -> embedding, one a module.

Each has a docstring with its source, a frozen `Config` (with `dropout`, of the head), the front end (`FRONTEND`) and
chunking (`CHUNKING`) it was published with, whether another length can be built (`ANY_LENGTH`), and
`body(x, config)`, which ends in the penultimate layer. The head (dropout, "logits",
"scores") is the same for all, and `tagger.network` adds it: one tag list or another, or none, on one body.
"""

import sys
from types import ModuleType

from keras_musictag.registry import load_module, module_names


def names() -> list[str]:
    """The architectures that exist.

    Example:
        >>> "musicnn" in names()
        True
    """
    return module_names(sys.modules[__name__])


def get(name: str) -> ModuleType:
    """The module of one architecture; raises UnknownNameError where there is none."""
    return load_module(sys.modules[__name__], "architecture", name)

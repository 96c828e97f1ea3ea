"""One module per format: `write` a tagger, `open_model` again, and which `PRECISIONS` and `INPUTS` there are."""

import sys
from types import ModuleType

from keras_musictag import registry


def names() -> list[str]:
    """The formats, in alphabetical order.

    Example:
        >>> names()
        ['keras', 'litert', 'onnx', 'openvino', 'savedmodel']
    """
    return registry.module_names(sys.modules[__name__])


def get(name: str, kind: str = "format") -> ModuleType:
    """The module of a format.

    Args:
        name: A name of `names()`.
        kind: What messages call it.

    Raises:
        UnknownNameError: If there is no such format.
    """
    return registry.load_module(sys.modules[__name__], kind, name)

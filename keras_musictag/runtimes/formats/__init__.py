"""One module per format: `write` a tagger, `open_model` again, and which `PRECISIONS` and `INPUTS` there are."""

import sys

from keras_musictag import registry


def names() -> list[str]:
    """The formats, in alphabetical order.

    Example:
        >>> names()
        ['keras', 'litert', 'onnx', 'openvino', 'savedmodel']
    """
    return registry.module_names(sys.modules[__name__])


def get(name: str):
    """The module of a format.

    Raises:
        UnknownNameError: If there is no such format.
    """
    return registry.load_module(sys.modules[__name__], name, "format")

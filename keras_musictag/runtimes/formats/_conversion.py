"""What LiteRT, ONNX and OpenVINO share: the order of outputs, errors of converters, which weights are rounded.

LiteRT chooses the weights to round by their operators; it shares only the minimum size.
"""

from collections.abc import Callable, Iterable

import numpy as np

from keras_musictag.errors import ExportError

MIN_WEIGHT_SIZE = 1024  # numbers; smaller weights save next to nothing; also the limit of LiteRT's converter
OUTPUTS = ("scores", "embedding")  # scores first: callers that use output numbers expect that
MAX_MESSAGE_CHARACTERS = 300  # of a converter's message, which may be pages long


def is_rounded(weight: np.ndarray) -> bool:
    """Whether a constant after the front end is stored as float16: if it is large and not a vector.

    Vectors (biases, normalisations) stay float32, as in published weights: they take next to no space, and their
    values may be large or tiny.

    Example:
        >>> is_rounded(np.zeros((753, 200), np.float32)), is_rounded(np.zeros((1, 1506), np.float32))
        (True, False)
    """
    return weight.dtype == np.float32 and weight.size >= MIN_WEIGHT_SIZE and weight.size > max(weight.shape)


def upstream(names: Iterable[str], sources: Callable[[str], Iterable[str]]) -> set[str]:
    """Finds names in a graph and all names that they are computed from.

    Args:
        names: The names to start from.
        sources: From a name to the names that it is directly computed from.

    Example:
        >>> graph = {"power": [], "bands": [], "mel": ["power", "bands"], "log": ["mel"], "conv": ["log"]}
        >>> sorted(upstream(["log"], graph.get))
        ['bands', 'log', 'mel', 'power']
    """
    found, todo = set(), list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += sources(name)
    return found


def missing_operators(runtime: str, name: str, operators: Iterable[str]) -> ExportError:
    """The error for a tagger, of this name, that needs operators that a runtime or its converter does not have."""
    return ExportError(f"{name!r} needs operators that {runtime} does not have: {', '.join(operators)}.")


def converter_error(converter: str, name: str, message: Exception | str) -> ExportError:
    """The error for a tagger, of this name, that a converter refuses: the start of its message in one line.

    Example:
        >>> converter_error("ONNX's checker", "mine", ValueError("Bad node.\\n\\n  Name: conv1")).args[0]
        "ONNX's checker refuses 'mine': ValueError: Bad node. Name: conv1"
    """
    text = f"{type(message).__name__}: {message}" if isinstance(message, Exception) else message
    return ExportError(f"{converter} refuses {name!r}: {' '.join(text.split())[:MAX_MESSAGE_CHARACTERS]}")

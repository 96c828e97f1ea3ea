"""What the modules of LiteRT, ONNX and OpenVINO share: the outputs' order, how a refusal is told, which weights count.

LiteRT finds the weights that it rounds by their operators, and shares only the size from which on it is worth it.
"""

from collections.abc import Callable, Iterable

import numpy as np

from keras_musictag.errors import ExportError

MIN_NUMBERS = 1024  # a smaller weight saves nothing; also the limit of LiteRT's converter
OUTPUTS = ("scores", "embedding")  # scores first: who asks for outputs by number expects it
MAX_LETTERS = 300  # of what a converter says, which may be pages


def is_rounded(weight: np.ndarray) -> bool:
    """Whether a constant behind the front end is stored as float16: a large one that is no vector.

    Vectors (biases, normalisations) stay float32, as in published weights: they weigh next to nothing, and their
    numbers may be large or tiny.

    Example:
        >>> is_rounded(np.zeros((753, 200), np.float32)), is_rounded(np.zeros((1, 1506), np.float32))
        (True, False)
    """
    return weight.dtype == np.float32 and weight.size >= MIN_NUMBERS and weight.size > max(weight.shape)


def upstream(names: Iterable[str], sources: Callable[[str], Iterable[str]]) -> set[str]:
    """Names in a graph, and those of all that they are computed from.

    Args:
        names: To begin with.
        sources: What the bearer of a name is computed from directly.

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


def lacking(runtime: str, name: str, operators: Iterable[str]) -> ExportError:
    """The error where a tagger of this name needs operators that a runtime, or its converter, does not have."""
    return ExportError(f"{name!r} needs operators that {runtime} does not have: {', '.join(operators)}.")


def refusal(converter: str, name: str, said: Exception | str) -> ExportError:
    """The error where a converter does not take a tagger of this name, with the begin of what it says in one line.

    Example:
        >>> refusal("ONNX's checker", "mine", ValueError("Bad node.\\n\\n  Name: conv1")).args[0]
        "ONNX's checker refuses 'mine': ValueError: Bad node. Name: conv1"
    """
    said = f"{type(said).__name__}: {said}" if isinstance(said, Exception) else said
    return ExportError(f"{converter} refuses {name!r}: {' '.join(said.split())[:MAX_LETTERS]}")

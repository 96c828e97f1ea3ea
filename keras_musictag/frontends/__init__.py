"""Front ends turn a waveform into features. Each has two implementations, with Kapre and portable.

A front end is a module with a `Config` and `apply(waveform, config, implementation)`. The implementation is chosen when
a network is built and is not saved with it: both compute the same, within a tolerance that a test states.
"""

import sys
from types import ModuleType

import keras

from keras_musictag.errors import UnknownNameError
from keras_musictag.registry import load_module, module_names

IMPLEMENTATIONS = ("kapre", "portable")


def names() -> list[str]:
    """Returns the names of all front ends."""
    return module_names(sys.modules[__name__])


def get(name: str) -> ModuleType:
    """Returns the module of a front end.

    Example:
        >>> get("log_mel").Config(num_mels=128).num_mels
        128
    """
    return load_module(sys.modules[__name__], "front end", name)


def name_of(config: object) -> str:
    """Returns the name of the front end that a config belongs to: the name of the module that defines it."""
    return type(config).__module__.rpartition(".")[2]


def choose_implementation(implementation: str | None = None) -> str:
    """Returns the implementation to build. The default is "kapre" on TensorFlow and "portable" on other backends.

    Raises:
        UnknownNameError: If it is neither "kapre" nor "portable".
        ValueError: If it is "kapre" on a backend other than TensorFlow.
    """
    backend = keras.backend.backend()
    if implementation is None:
        return "kapre" if backend == "tensorflow" else "portable"
    if implementation not in IMPLEMENTATIONS:
        raise UnknownNameError.of("front end implementation", implementation, IMPLEMENTATIONS)
    if implementation == "kapre" and backend != "tensorflow":
        raise ValueError(
            f"`implementation='kapre'` needs the TensorFlow backend. Received: backend {backend!r}. "
            "Try implementation='portable'."
        )
    return implementation

"""Front ends: waveform -> features, each with a Kapre and a portable form.

A front end is a module with a `Config` and `apply(waveform, config, implementation)`. The form is chosen when
a network is built and is no part of what is saved: both compute the same, within a tolerance that a test states.
"""

import sys
from types import ModuleType

import keras

from keras_musictag.errors import UnknownNameError
from keras_musictag.registry import load_module, module_names

IMPLEMENTATIONS = ("kapre", "portable")


def names() -> list[str]:
    """The front ends that exist."""
    return module_names(sys.modules[__name__])


def get(name: str) -> ModuleType:
    """The module of one front end.

    Example:
        >>> get("log_mel").Config(num_mels=128).num_mels
        128
    """
    return load_module(sys.modules[__name__], "front end", name)


def name_of(config: object) -> str:
    """The front end that a config belongs to: the name of the module it is defined in."""
    return type(config).__module__.rpartition(".")[2]


def choose_implementation(implementation: str | None = None) -> str:
    """Which form of the front ends to build: Kapre's on TensorFlow, the portable one elsewhere.

    Raises:
        UnknownNameError: If it is neither "kapre" nor "portable".
        ValueError: If Kapre is asked for on another backend than TensorFlow.
    """
    backend = keras.backend.backend()
    if implementation is None:
        return "kapre" if backend == "tensorflow" else "portable"
    if implementation not in IMPLEMENTATIONS:
        raise UnknownNameError.of("front end implementation", implementation, IMPLEMENTATIONS)
    if implementation == "kapre" and backend != "tensorflow":
        raise ValueError(
            f"`implementation='kapre'` needs the TensorFlow backend; this is {backend!r}. "
            "Try implementation='portable'."
        )
    return implementation

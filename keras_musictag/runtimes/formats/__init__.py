"""The folder is the registry: one module per format, with all that is special about the format.

Each module has

- `TOOLS`, the packages whose versions `artefact.json` states;
- `PRECISIONS`, each with the largest allowed difference of a score from Keras in float32, and `INPUTS`;
- `write(tagger, folder, precision, form)`, which returns the only batch size of the model, or None for any;
- `open_model(folder, artefact, threads)`, which returns the function that runs it;
- `example(artefact)`, the text of the folder's `example.py`.
"""

import sys
from importlib.util import find_spec
from types import ModuleType

from keras_musictag import registry
from keras_musictag.errors import ExportError


def names() -> list[str]:
    """The formats, in alphabetical order.

    Example:
        >>> names()
        ['keras', 'litert', 'onnx', 'openvino', 'savedmodel']
    """
    return registry.module_names(sys.modules[__name__])


def get(name: str, kind: str = "format") -> ModuleType:
    """Returns the module of a format.

    Args:
        name: One of `names()`.
        kind: What error messages call it.

    Raises:
        UnknownNameError: If the format is unknown.
    """
    return registry.load_module(sys.modules[__name__], kind, name)


def check_installed(runtime: str, *modules: str) -> None:
    """Checks that modules are installed, without importing them. A broken module raises its own error on import.

    Args:
        runtime: The runtime that needs them, as people call it.
        modules: Their names.

    Raises:
        ExportError: If one is not installed.

    Example:
        >>> check_installed("Arithmetic", "numpy")
    """
    for module in modules:
        if find_spec(module) is None:
            package = module.replace("_", "-")
            raise ExportError(
                f"{runtime} needs the package {package}, which is not installed. Run: "
                'pip install "keras-musictag[export]".'
            )

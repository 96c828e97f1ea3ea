"""Whether the packages of the extra `export` are installed: asked before any work is done."""

from importlib.util import find_spec

from keras_musictag.errors import ExportError


def check_installed(runtime: str, *modules: str) -> None:
    """Looks for modules, and loads none. What is there but cannot be loaded tells why itself, when it is imported.

    Args:
        runtime: That needs them, as people call it.
        modules: Their names.

    Raises:
        ExportError: If one is not installed.

    Example:
        >>> check_installed("Arithmetic", "numpy")
    """
    for module in modules:
        if find_spec(module) is None:
            package = module.replace("_", "-")
            raise ExportError(f'{runtime} needs the package {package}: pip install "keras-musictag[export]".')

"""A folder is a registry: its modules are the names that exist, so that there is no list to edit."""

import importlib
import pkgutil
from types import ModuleType

from keras_musictag.errors import UnknownNameError


def module_names(package: ModuleType) -> list[str]:
    """The sorted names of the public modules in a package's folder, without subpackages and `_private` modules."""
    modules = pkgutil.iter_modules(package.__path__)
    return sorted(m.name for m in modules if not m.ispkg and not m.name.startswith("_"))


def load_module(package: ModuleType, kind: str, name: str) -> ModuleType:
    """Imports one module of a package by its name.

    Args:
        package: An imported package whose folder is the registry.
        kind: What the modules are, such as "architecture", for the error message.
        name: The name of a module.

    Raises:
        UnknownNameError: If the folder has no such module.
    """
    names = module_names(package)
    if name not in names:
        raise UnknownNameError.of(kind, name, names)
    return importlib.import_module(f"{package.__name__}.{name}")

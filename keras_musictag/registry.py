"""A folder is a registry: its modules are the names that exist, and no list has to be edited."""

import importlib
import pkgutil
from types import ModuleType

from keras_musictag.errors import UnknownNameError


def module_names(package: ModuleType) -> list[str]:
    """The public modules in a package's folder, sorted; sub-packages and `_private` ones are not names."""
    modules = pkgutil.iter_modules(package.__path__)
    return sorted(m.name for m in modules if not m.ispkg and not m.name.startswith("_"))


def load_module(package: ModuleType, kind: str, name: str) -> ModuleType:
    """Imports one module of a package by its name.

    Args:
        package: An imported package whose folder is the registry.
        kind: What its modules are, for the error message, such as "architecture".
        name: A module's name.

    Raises:
        UnknownNameError: If the folder has no such module.
    """
    names = module_names(package)
    if name not in names:
        raise UnknownNameError.of(kind, name, names)
    return importlib.import_module(f"{package.__name__}.{name}")

"""Datasets: a raw folder -> a manifest (track, file, tags, part). The folder is the registry.

Each module has a function `manifest(raw, ...)`, which reads a dataset's files as they are after the download. A
dataset's id is the name of its module with `-` for `_`. If its tag list is published, it has a folder
`tfrecords/<id>/`.
"""

import sys
from types import ModuleType

from keras_musictag.errors import UnknownNameError
from keras_musictag.registry import load_module, module_names


def names() -> list[str]:
    """The ids of the datasets that can be prepared.

    Example:
        >>> "folder" in names()
        True
    """
    return [name.replace("_", "-") for name in module_names(sys.modules[__name__])]


def get(name: str) -> ModuleType:
    """The module of one dataset.

    Args:
        name: A dataset's id, such as "mtg-jamendo".

    Raises:
        UnknownNameError: If there is no such dataset.

    Example:
        >>> get("folder").__name__
        'keras_musictag.datasets.folder'
    """
    if name not in names():
        raise UnknownNameError.of("dataset", name, names())
    return load_module(sys.modules[__name__], "dataset", name.replace("-", "_"))

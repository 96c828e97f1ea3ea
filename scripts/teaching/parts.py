"""The parts of the folder, one module per part, named after it.

Each module has `items(scale, gmtag)`, a list of what is to be made; `is_done(out, item)`; `make(out, item)`, which
writes the files of an item; and `facts(out)`, what `sources.json` states next to hours and files.
"""

import importlib
from types import ModuleType

NAMES = ("game_music", "solos", "ensembles", "sung", "gmtag", "other")


def module_of(part: str) -> ModuleType:
    """The module of a part."""
    return importlib.import_module(f"scripts.teaching.{part}")

"""The files that a table's paths mean if they were written on another system, or without a suffix."""

import os
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from keras_musictag.datasets.folder import SUFFIXES


def find_paths(paths: Sequence[str], audio: Path) -> list[str]:
    """Each path as it is if it leads to a file; else the only file that it can mean; else as it is.

    Understood are backslashes for slashes, Excel's apostrophe in front, and in the file's name: letters in another
    case, accents that macOS stores apart, and a missing suffix.

    Args:
        paths: As the table has them.
        audio: What they are relative to.
    """
    names_in = cache(_names)  # for this call only: files come and go
    return [path if _is_file(audio / path) else _find(path, audio, names_in) for path in paths]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False


def _find(path: str, audio: Path, names_in: Callable[[Path], dict[str, list[str]]]) -> str:
    for spelled in map(Path, dict.fromkeys((path, path.replace("\\", "/"), path.removeprefix("'")))):
        names, key = names_in(audio / spelled.parent), _key(spelled.name)
        if not names:
            continue
        found = names.get(key) or [name for suffix in SUFFIXES for name in names.get(key + suffix, [])]
        if len(found) == 1 and spelled.name:
            return str(spelled.with_name(found[0]))
    return path


def _names(folder: Path) -> dict[str, list[str]]:
    """The files of a folder, by their names as `_key` spells them."""
    names: dict[str, list[str]] = {}
    try:
        entries = list(os.scandir(folder))
    except (OSError, ValueError):  # no folder, one that may not be read, or a name that no folder can have
        return names
    for entry in entries:
        if entry.is_file():
            names.setdefault(_key(entry.name), []).append(entry.name)
    return names


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()

"""Where an export goes: what lies there is looked at, it is written beside that, and comes to its place whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_musictag.errors import ExportError
from keras_musictag.files import is_scratch, remove_scratch, scratch_name
from keras_musictag.runtimes.artefact import FILE_NAME, parse_artefact


def check_target(target: Path, format: str, version: int) -> None:
    """Raises ExportError where something is there that must not be touched."""
    if not target.exists() or (target.is_dir() and all(map(is_scratch, target.iterdir()))):
        return
    if format != "savedmodel" or not (target / FILE_NAME).is_file():
        raise ExportError(f"{target} is there already. Name another folder, or remove it.")
    try:
        found = parse_artefact(target).format
    except ValueError as error:
        raise ExportError(
            f"{target / FILE_NAME} is damaged, so no version can be added. Name another folder, or remove this one."
        ) from error
    if found != "savedmodel":
        raise ExportError(f"{target} holds an export of another format. Name another folder.")
    newest = max((int(folder.name) for folder in target.iterdir() if folder.name.isdecimal()), default=0)
    if version <= newest:  # a server serves the highest, and `artefact.json` speaks of it
        raise ExportError(f"{target} has a version {newest}. Received: version={version}; give a higher one.")


def _place(target: Path) -> Path:
    """The folder itself where it is there, else the nearest one above."""
    return next(path for path in (target, *target.parents) if path.exists())


@contextmanager
def scratch_folder(target: Path) -> Iterator[Path]:
    """A folder to write to, on the target's disk; gone at the end.

    It lies in the target where that is there, as a shell's working directory or a mount point may be, which must not
    be replaced; else in the nearest folder above, so that none has to be made for an export that fails.
    """
    scratch = _place(target) / scratch_name()
    try:
        scratch.mkdir()
        yield scratch
    except OSError as error:
        if not str(error.filename).startswith(str(scratch)):
            raise
        raise OSError(error.errno, error.strerror, str(target)) from error  # the name that the user knows
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def remove_old_scratch(target: Path) -> None:
    """Removes what exports have left that were killed long ago; a younger one may be at work."""
    remove_scratch(_place(target))


def move(scratch: Path, target: Path, format: str, version: int) -> None:
    """Puts what was written in its place: the folder as one, or its parts into the folder that is there.

    Of the parts, a SavedModel's version comes first, whole at once, since a server may be watching; `artefact.json`
    comes last: whoever kills this leaves a folder that is none yet, or still the former version.
    """
    check_target(target, format, version)  # again: another process may have been quicker
    if target.exists():
        parts = sorted(scratch.iterdir(), key=lambda path: (path.name == FILE_NAME, path.is_file()))
        moves = [(path, target / path.name) for path in parts]
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        moves = [(scratch, target)]
    (first, place), *others = moves
    try:
        first.replace(place)
    except OSError:
        check_target(target, format, version)  # quicker by a moment
        raise
    for path, place in others:
        path.replace(place)

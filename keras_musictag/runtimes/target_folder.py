"""The folder that an export is written to: checked first, written elsewhere on the same disk, then moved as a whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_musictag.errors import ExportError
from keras_musictag.files import is_scratch, remove_scratch, scratch_name
from keras_musictag.runtimes.artefact import ARTEFACT_FILE, parse_artefact


def check_target(target: Path, format: str, version: int) -> None:
    """Raises ExportError if the target holds something that must not be overwritten."""
    if not target.exists() or (target.is_dir() and all(map(is_scratch, target.iterdir()))):
        return
    if format != "savedmodel" or not (target / ARTEFACT_FILE).is_file():
        raise ExportError(f"{target} already exists. Name another folder, or remove it.")
    try:
        found = parse_artefact(target).format
    except ValueError as error:
        raise ExportError(
            f"{target / ARTEFACT_FILE} is damaged, so no version can be added. Name another folder, or remove this one."
        ) from error
    if found != "savedmodel":
        raise ExportError(f"{target} holds an export of another format. Name another folder.")
    newest = max((int(folder.name) for folder in target.iterdir() if folder.name.isdecimal()), default=0)
    if version <= newest:  # a server serves the highest, and `artefact.json` describes it
        raise ExportError(f"{target} already has version {newest}. Received: version={version}; pass a higher one.")


def _nearest_folder(target: Path) -> Path:
    """The target itself if it exists, else its nearest parent that does."""
    return next(path for path in (target, *target.parents) if path.exists())


@contextmanager
def scratch_folder(target: Path) -> Iterator[Path]:
    """A folder to write to, on the target's disk; it is removed at the end.

    If the target exists, the folder is inside it: the target may be a working directory or a mount point, which must
    not be replaced. Otherwise it is in the nearest existing parent, so that a failed export creates no folders.
    """
    scratch = _nearest_folder(target) / scratch_name()
    try:
        scratch.mkdir()
        yield scratch
    except OSError as error:
        if not str(error.filename).startswith(str(scratch)):
            raise
        raise OSError(error.errno, error.strerror, str(target)) from error  # name the path that the user passed
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def remove_old_scratch(target: Path) -> None:
    """Removes what exports that were killed long ago left behind; newer ones may still be running."""
    remove_scratch(_nearest_folder(target))


def move_to_target(scratch: Path, target: Path, format: str, version: int) -> None:
    """Moves what was written to the target: the folder as a whole, or its parts into an existing folder.

    Of the parts, a SavedModel's version folder is moved first, as a server may be watching, and `artefact.json` last:
    if this is interrupted, the folder is not an export yet, or is still the previous version.
    """
    check_target(target, format, version)  # again: another process may have been faster
    if target.exists():
        parts = sorted(scratch.iterdir(), key=lambda path: (path.name == ARTEFACT_FILE, path.is_file()))
        moves = [(path, target / path.name) for path in parts]
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        moves = [(scratch, target)]
    (first, destination), *others = moves
    try:
        first.replace(destination)
    except OSError:
        check_target(target, format, version)  # another process was faster in the meantime
        raise
    for path, destination in others:
        path.replace(destination)

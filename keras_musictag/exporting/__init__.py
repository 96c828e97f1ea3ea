"""A tagger -> files for other runtimes: one module a format, each compared with Keras before it is there.

A format's module has `write`, `INPUTS` and `PRECISIONS`: which precisions it can be written in, and how far a score may
be from Keras's float32 in each.
"""

import dataclasses
import importlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from keras_musictag.engines.artefact import FILE_NAME, FORMATS, Artefact, parse_artefact, write_artefact
from keras_musictag.errors import ExportError, UnknownNameError
from keras_musictag.files import SCRATCH_ENDING

if TYPE_CHECKING:  # the process that checks an export does without Keras
    from keras_musictag.tagger import Tagger

SCRATCH_PREFIX = ".keras_musictag-"
OLD_SECONDS = 24 * 3600.0  # no export takes as long: what is older was left by one that was killed


def export(
    tagger: "Tagger",
    format: str,
    path: str | PathLike,
    precision: str = "float32",
    input: str = "waveform",
    version: int = 1,
    licences: dict[str, str] | None = None,
    audio: str | PathLike | None = None,
) -> Artefact:
    """Writes a tagger as a model of another runtime, and compares that with Keras before anything is there.

    What was written is loaded in a fresh process and hears music, silence, noise and full scale.

    Args:
        tagger: A `Tagger` with its weights.
        format: "savedmodel" (TensorFlow Serving), "litert" (phones), "onnx", "openvino" or "keras".
        path: The folder to write; there must be nothing, or an empty folder, which is filled, or for "savedmodel"
            other versions.
        precision: "float32", "float16", "bfloat16" or "int8", as the format allows.
        input: "waveform", or "log-mel" for a model that takes the front end's features.
        version: Of a SavedModel: the number of its folder.
        licences: Of code, weights and training data, to be told in `artefact.json`.
        audio: The file that is the check's music, which is read before anything is written; None for the demo clip.

    Returns:
        The folder's `Artefact`: `.checks` are the largest differences of a score from Keras, by signal.

    Raises:
        UnknownNameError: If there is no such format, or the format has no such precision or input.
        ValueError: If the tagger has no head, or no log-mel front end where that is asked for.
        AudioError, FileNotFoundError: If `audio` cannot be tagged, or is not there.
        ExportError: If the model cannot be converted, a package lacks, the path is taken, or a score differs by more
            than the format's tolerance. Nothing is left behind.
        OSError: If `path` cannot be written, such as without permission, or a disk is full.

    Example:
        >>> import tempfile
        >>> import keras_musictag as kmt
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     artefact = kmt.export(kmt.load("vgg"), "onnx", folder)
        >>> max(artefact.checks.values()) <= artefact.tolerance
        True
    """
    writer = _writer(tagger, format, precision, input, version)
    target = Path(os.path.realpath(path))  # of a link, what it leads to
    _remove_old_scratch(_place(target))
    _check_target(target, format, version)
    from keras_musictag.exporting.folder import complete_folder
    from keras_musictag.exporting.signals import signals

    heard = signals(tagger, audio)  # now rather than after minutes of work: the file may be no music
    with _scratch_folder(target) as scratch:
        options = {"version": version} if format == "savedmodel" else {}
        batch = writer.write(tagger, scratch, precision, input, **options)
        settings = {"format": format, "precision": precision, "input": input, "batch": batch, "licences": licences}
        artefact = complete_folder(tagger, scratch, tolerance=writer.PRECISIONS[precision], **settings)
        artefact = _checked(tagger, artefact, scratch, heard)
        _move(scratch, target, format, version)
    return artefact


def scratch_name() -> str:
    """Of a hidden folder that nobody else has: process numbers come again, in every container the same."""
    return f"{SCRATCH_PREFIX}{uuid.uuid4().hex}{SCRATCH_ENDING}"


def _writer(tagger, format, precision, input, version):
    """The format's module, if it can write what is asked for."""
    if format not in FORMATS:
        raise UnknownNameError.of("format", format, FORMATS)
    import keras

    from keras_musictag.exporting.network import check_form

    if keras.backend.backend() != "tensorflow":
        raise ExportError(
            f"Models are exported by TensorFlow; Keras runs on {keras.backend.backend()!r}. Save a .keras file, and "
            "export that with KERAS_BACKEND=tensorflow."
        )
    whole = isinstance(version, int) and not isinstance(version, bool)
    if not (whole and version >= 1) or (version != 1 and format != "savedmodel"):
        raise ValueError(f"`version` must be 1 or more, and 1 but for 'savedmodel'. Received: {version!r}, {format!r}.")
    check_form(tagger, input)
    writer = importlib.import_module(f"{__name__}.{FORMATS[format]}")
    if precision not in writer.PRECISIONS:
        raise UnknownNameError.of(f"precision of {format}", precision, writer.PRECISIONS)
    if input not in writer.INPUTS:
        raise UnknownNameError.of(f"input of {format}", input, writer.INPUTS)
    return writer


def _check_target(target: Path, format: str, version: int) -> None:
    """Raises ExportError where something is there that must not be touched."""
    if not target.exists() or (target.is_dir() and all(map(_is_scratch, target.iterdir()))):
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


def _is_scratch(path: Path) -> bool:
    return path.name.startswith(SCRATCH_PREFIX) and path.name.endswith(SCRATCH_ENDING)


@contextmanager
def _scratch_folder(target: Path) -> Iterator[Path]:
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


def _place(target: Path) -> Path:
    """The folder itself where it is there, else the nearest one above."""
    return next(path for path in (target, *target.parents) if path.exists())


def _remove_old_scratch(place: Path) -> None:
    """Removes what exports have left that were killed long ago; a younger one may be at work."""
    for path in place.glob(f"{SCRATCH_PREFIX}*{SCRATCH_ENDING}"):
        with suppress(FileNotFoundError):  # another process removes it, too
            if time.time() - path.stat().st_mtime > OLD_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def _checked(tagger, artefact: Artefact, scratch: Path, heard) -> Artefact:
    """The artefact with its differences from Keras, written again; raises ExportError above the tolerance."""
    from keras_musictag.exporting.check import FROM_WAVEFORM, differences
    from keras_musictag.exporting.signals import expected

    wanted = expected(tagger, artefact.input, heard)
    if artefact.input == "log-mel":  # the folder's own front end, by which an EngineTagger and `example.py` hear
        wanted[FROM_WAVEFORM] = dataclasses.replace(wanted["music"], inputs=heard["music"])
    checks = differences(scratch, wanted)
    worst = max(checks, key=checks.get)
    if not checks[worst] <= artefact.tolerance:
        raise ExportError(
            f"A score of the {artefact.format} model in {artefact.precision} differs from Keras by "
            f"{checks[worst]:.1e} on {worst}; at most {artefact.tolerance:.0e} is allowed. Nothing was written: try "
            "another precision."
        )
    artefact = dataclasses.replace(artefact, checks=checks)
    write_artefact(artefact, scratch)
    return artefact


def _move(scratch: Path, target: Path, format: str, version: int) -> None:
    """Puts what was written in its place: the folder as one, or its parts into the folder that is there.

    Of the parts, a SavedModel's version comes first, whole at once, since a server may be watching; `artefact.json`
    comes last: whoever kills this leaves a folder that is none yet, or still the former version.
    """
    _check_target(target, format, version)  # again: another process may have been quicker
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
        _check_target(target, format, version)  # quicker by a moment
        raise
    for path, place in others:
        path.replace(place)

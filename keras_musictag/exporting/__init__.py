"""A tagger -> files for other runtimes: one module a format, each compared with Keras before it is there.

A format's module has `write`, `INPUTS` and `PRECISIONS`: which precisions it can be written in, and how far a score may
be from Keras's float32 in each.
"""

import dataclasses
import importlib
import os
import shutil
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from keras_musictag.engines.artefact import FILE_NAME, Artefact, read_artefact, write_artefact
from keras_musictag.errors import ExportError, UnknownNameError

if TYPE_CHECKING:  # the process that checks an export does without Keras
    from keras_musictag.tagger import Tagger

FORMATS = {name: name for name in ("savedmodel", "litert", "onnx", "openvino")} | {"keras": "keras_file"}


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
        path: The folder to write; there must be nothing, or an empty folder, or for "savedmodel" other versions.
        precision: "float32", "float16", "bfloat16" or "int8", as the format allows.
        input: "waveform", or "log-mel" for a model that takes the front end's features.
        version: Of a SavedModel: the number of its folder.
        licences: Of code, weights and training data, to be told in `artefact.json`.
        audio: The file that is the check's music; None for the demo clip.

    Returns:
        The folder's `Artefact`: `.checks` are the largest differences of a score from Keras, by signal.

    Raises:
        UnknownNameError: If there is no such format, or the format has no such precision or input.
        ValueError: If the tagger has no head, or no log-mel front end where that is asked for.
        ExportError: If the model cannot be converted, a package lacks, the path is taken, or a score differs by more
            than the format's tolerance. Nothing is left behind.

    Example:
        >>> import tempfile
        >>> import keras_musictag as kmt
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     artefact = kmt.export(kmt.load("vgg"), "onnx", folder)
        >>> max(artefact.checks.values()) <= artefact.tolerance
        True
    """
    from keras_musictag.exporting.folder import complete_folder

    writer = _writer(tagger, format, precision, input, version)
    target = Path(os.path.abspath(path))
    _check_target(target, format, version)
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.part")
    scratch.mkdir()
    try:
        options = {"version": version} if format == "savedmodel" else {}
        batch = writer.write(tagger, scratch, precision, input, **options)
        settings = {"format": format, "precision": precision, "input": input, "batch": batch, "licences": licences}
        artefact = complete_folder(tagger, scratch, tolerance=writer.PRECISIONS[precision], **settings)
        artefact = _checked(tagger, artefact, scratch, audio)
        _move(scratch, target, version)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return artefact


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
    if not (isinstance(version, int) and version >= 1) or (version != 1 and format != "savedmodel"):
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
    if target.is_dir() and not any(target.iterdir()):
        return
    if format == "savedmodel" and (target / FILE_NAME).is_file():
        if read_artefact(target).format != "savedmodel":
            raise ExportError(f"{target} holds an export of another format. Name another folder.")
        newest = max(int(folder.name) for folder in target.iterdir() if folder.name.isdecimal())
        if version <= newest:  # a server serves the highest, and `artefact.json` speaks of it
            raise ExportError(f"{target} has a version {newest}. Received: version={version}; give a higher one.")
    elif target.exists():
        raise ExportError(f"{target} is there already. Name another folder, or remove it.")


def _checked(tagger, artefact: Artefact, scratch: Path, audio) -> Artefact:
    """The artefact with its differences from Keras, written again; raises ExportError above the tolerance."""
    from keras_musictag.exporting.check import differences
    from keras_musictag.exporting.signals import expected

    checks = differences(scratch, expected(tagger, artefact.input, audio))
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


def _move(scratch: Path, target: Path, version: int) -> None:
    """Puts what was written in its place: the folder as one, or a version beside those that are there."""
    if target.is_dir() and any(target.iterdir()):
        (scratch / str(version)).replace(target / str(version))  # whole at once: a server may be watching
        for path in scratch.iterdir():
            path.replace(target / path.name)
        return
    if target.is_dir():
        target.rmdir()  # Windows moves nothing onto a folder
    scratch.replace(target)

"""`export`: a tagger -> a folder for another runtime, compared with Keras before the folder appears.

`formats` has one module per format, which writes the model; `export_folder` adds what belongs next to it;
`check_signals` and `comparison` compare it with Keras; `target_folder` moves it to its place.
"""

import dataclasses
import os
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from keras_musictag.errors import ExportError, UnknownNameError
from keras_musictag.runtimes import formats
from keras_musictag.runtimes.artefact import Artefact, write_artefact
from keras_musictag.runtimes.target_folder import check_target, move_to_target, remove_old_scratch, scratch_folder

if TYPE_CHECKING:  # the process that checks an export must not import Keras
    from keras_musictag.tagger import Tagger


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
    """Exports a tagger as a model for another runtime.

    Before the folder appears, a fresh process loads the model and compares it with Keras on music, silence, noise and
    noise at full scale.

    Args:
        tagger: A `Tagger` with its weights.
        format: "savedmodel" (TensorFlow Serving), "litert" (phones), "onnx", "openvino" or "keras".
        path: The folder to write. It must not exist or must be empty; for "savedmodel" it may hold lower versions.
        precision: "float32", "float16", "bfloat16" or "int8", depending on the format.
        input: "waveform", or "log-mel" for a model that takes the front end's features.
        version: For a SavedModel: the number that names its folder.
        licences: Licences of code, weights and training data, to be stated in `artefact.json`.
        audio: A file of music for the check, which is read before anything is written; None for the demo clip.

    Returns:
        The folder's `Artefact`: `.checks` holds the largest difference of a score from Keras for each signal.

    Raises:
        UnknownNameError: If the format is unknown, or does not support the precision or input.
        ValueError: If the tagger has no head, or has no log-mel front end and `input` is "log-mel".
        AudioError, FileNotFoundError: If `audio` cannot be tagged or does not exist.
        ExportError: If the model cannot be converted, a package is missing, the path already exists, or a score
            differs by more than the format's tolerance. Nothing is left behind.
        OSError: If `path` cannot be written, for example because of permissions or a full disk.

    Example:
        >>> import tempfile
        >>> import keras_musictag as kmt
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     artefact = kmt.export(kmt.load("vgg"), "onnx", folder)
        >>> max(artefact.checks.values()) <= artefact.tolerance
        True
    """
    writer = _writer(tagger, format, precision, input, version)
    target = Path(os.path.realpath(path))  # if it is a link, its target
    remove_old_scratch(target)
    check_target(target, format, version)
    from keras_musictag.layers.keras_settings import own_settings
    from keras_musictag.runtimes.check_signals import signals
    from keras_musictag.runtimes.export_folder import complete_folder

    chunks = signals(tagger, audio)  # first, because the file may not be music, and the work below takes minutes
    with scratch_folder(target) as scratch:
        options = {"version": version} if format == "savedmodel" else {}
        with own_settings():
            batch = writer.write(tagger, scratch, precision, input, **options)
        settings = {"format": format, "precision": precision, "input": input, "batch": batch, "licences": licences}
        artefact = complete_folder(tagger, scratch, tolerance=writer.PRECISIONS[precision], **settings)
        artefact = _with_checks(tagger, artefact, scratch, chunks)
        move_to_target(scratch, target, format, version)
    return artefact


def _writer(tagger, format, precision, input, version):
    """Returns the format's module if it can write what is requested."""
    writer = formats.get(format)
    import keras

    from keras_musictag.runtimes.export_network import check_form

    if keras.backend.backend() != "tensorflow":
        raise ExportError(
            f"Exporting needs Keras's TensorFlow backend; Keras runs on {keras.backend.backend()!r}. Save a .keras "
            "file and export it with KERAS_BACKEND=tensorflow."
        )
    whole = isinstance(version, int) and not isinstance(version, bool)
    if not (whole and version >= 1) or (version != 1 and format != "savedmodel"):
        raise ValueError(
            f"`version` must be 1 or more, and 1 except for 'savedmodel'. Received: {version!r}, {format!r}."
        )
    check_form(tagger, input)
    if precision not in writer.PRECISIONS:
        raise UnknownNameError.of(f"precision of {format}", precision, writer.PRECISIONS)
    if input not in writer.INPUTS:
        raise UnknownNameError.of(f"input of {format}", input, writer.INPUTS)
    return writer


def _with_checks(tagger, artefact: Artefact, scratch: Path, chunks) -> Artefact:
    """Adds the differences from Keras to the artefact and writes it again; ExportError above the tolerance."""
    from keras_musictag.runtimes.check_signals import keras_outputs
    from keras_musictag.runtimes.comparison import FROM_WAVEFORM, differences

    wanted = keras_outputs(tagger, artefact.input, chunks)
    if artefact.input == "log-mel":  # also through the folder's own front end, as in EngineTagger and `example.py`
        wanted[FROM_WAVEFORM] = dataclasses.replace(wanted["music"], inputs=chunks["music"])
    checks = differences(scratch, wanted)
    worst = max(checks, key=checks.get)
    if not checks[worst] <= artefact.tolerance:
        raise ExportError(
            f"A score of the {artefact.format} model in {artefact.precision} differs from Keras by "
            f"{checks[worst]:.1e} on {worst}; the limit is {artefact.tolerance:.0e}. Nothing was written: try "
            "another precision."
        )
    artefact = dataclasses.replace(artefact, checks=checks)
    write_artefact(artefact, scratch)
    return artefact

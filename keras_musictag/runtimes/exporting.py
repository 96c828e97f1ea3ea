"""A tagger -> files for other runtimes: one module a format, each compared with Keras before it is there.

A format's module has `write`, `INPUTS` and `PRECISIONS`: which precisions it can be written in, and how far a score may
be from Keras's float32 in each.
"""

import dataclasses
import os
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from keras_musictag.errors import ExportError, UnknownNameError
from keras_musictag.runtimes import formats
from keras_musictag.runtimes.artefact import Artefact, write_artefact
from keras_musictag.runtimes.target_folder import check_target, move, remove_old_scratch, scratch_folder

if TYPE_CHECKING:  # the process that checks an export does without Keras
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
    remove_old_scratch(target)
    check_target(target, format, version)
    from keras_musictag.layers.keras_settings import own_settings
    from keras_musictag.runtimes.check_signals import signals
    from keras_musictag.runtimes.export_folder import complete_folder

    heard = signals(tagger, audio)  # now rather than after minutes of work: the file may be no music
    with scratch_folder(target) as scratch:
        options = {"version": version} if format == "savedmodel" else {}
        with own_settings():
            batch = writer.write(tagger, scratch, precision, input, **options)
        settings = {"format": format, "precision": precision, "input": input, "batch": batch, "licences": licences}
        artefact = complete_folder(tagger, scratch, tolerance=writer.PRECISIONS[precision], **settings)
        artefact = _checked(tagger, artefact, scratch, heard)
        move(scratch, target, format, version)
    return artefact


def _writer(tagger, format, precision, input, version):
    """The format's module, if it can write what is asked for."""
    writer = formats.get(format)
    import keras

    from keras_musictag.runtimes.export_network import check_form

    if keras.backend.backend() != "tensorflow":
        raise ExportError(
            f"Models are exported by TensorFlow; Keras runs on {keras.backend.backend()!r}. Save a .keras file, and "
            "export that with KERAS_BACKEND=tensorflow."
        )
    whole = isinstance(version, int) and not isinstance(version, bool)
    if not (whole and version >= 1) or (version != 1 and format != "savedmodel"):
        raise ValueError(f"`version` must be 1 or more, and 1 but for 'savedmodel'. Received: {version!r}, {format!r}.")
    check_form(tagger, input)
    if precision not in writer.PRECISIONS:
        raise UnknownNameError.of(f"precision of {format}", precision, writer.PRECISIONS)
    if input not in writer.INPUTS:
        raise UnknownNameError.of(f"input of {format}", input, writer.INPUTS)
    return writer


def _checked(tagger, artefact: Artefact, scratch: Path, heard) -> Artefact:
    """The artefact with its differences from Keras, written again; raises ExportError above the tolerance."""
    from keras_musictag.runtimes.check_signals import expected
    from keras_musictag.runtimes.comparison import FROM_WAVEFORM, differences

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

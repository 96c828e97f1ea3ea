"""`artefact.json`: what is in an exported folder next to the model, for whoever runs it without this package.

`check_installed` says whether the packages of the extra `export` are there, before any work is done.
"""

import dataclasses
import hashlib
import importlib.metadata
import json
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from keras_musictag import __version__
from keras_musictag.audio.chunking import Chunking
from keras_musictag.errors import ChecksumError, ExportError
from keras_musictag.files import write_json
from keras_musictag.runtimes import formats
from keras_musictag.tags.vocabulary import Vocabulary


def check_installed(runtime: str, *modules: str) -> None:
    """Looks for modules, and loads none. What is there but cannot be loaded tells why itself, when it is imported.

    Args:
        runtime: That needs them, as people call it.
        modules: Their names.

    Raises:
        ExportError: If one is not installed.

    Example:
        >>> check_installed("Arithmetic", "numpy")
    """
    for module in modules:
        if find_spec(module) is None:
            package = module.replace("_", "-")
            raise ExportError(f'{runtime} needs the package {package}: pip install "keras-musictag[export]".')


FILE_NAME = "artefact.json"
VERSION = 1


@dataclass(frozen=True)
class Artefact:
    """What an exported model is.

    Attributes:
        name: Of the tagger, such as "musicnn-mtat-v1".
        format: "savedmodel", "litert", "onnx", "openvino" or "keras".
        precision: Of weights or arithmetic: "float32", "float16", "bfloat16" or "int8"; the front end is float32.
        input: "waveform" for float32 (batch, chunk_samples) in [-1, 1], or "log-mel" for the features of the front
            end, (batch, frames, mels, 1).
        input_shape: Of one example, without the batch axis.
        batch: The only batch size that the model takes; None for any.
        outputs: Shape of one example of each output: "scores" and "embedding", in the order of the model's outputs.
        model: `TaggerSpec.to_dict()`: architecture, front end, chunking, ordered tags with groups, activation. That
            is "sigmoid", but for a tagger of logits in the format "keras", which keeps it as it was.
        files: SHA-256 of each file that the model is read from, by its path in the folder: not of `tags.csv`,
            `example.py` and what lies in a SavedModel's `assets.extra`, which may be edited or removed.
        checks: Largest difference of a score from Keras, by signal.
        tolerance: The largest difference that was allowed.
        licences: Of code, weights and training data, where they are known.
        versions: Of what wrote it.
        version: Of this file's layout.
    """

    name: str
    format: str
    precision: str
    input: str
    input_shape: tuple[int, ...]
    batch: int | None
    outputs: dict[str, tuple[int, ...]]
    model: dict[str, Any]
    files: dict[str, str]
    checks: dict[str, float]
    tolerance: float
    licences: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    version: int = VERSION

    @property
    def vocabulary(self) -> Vocabulary:
        """The tags, in the order of the scores."""
        return Vocabulary.of(self.model["tags"])

    @property
    def chunking(self) -> Chunking:
        """How the model hears a track."""
        return Chunking(**self.model["chunking"])


def write_artefact(artefact: Artefact, folder: Path) -> None:
    """Writes `artefact.json` into the folder."""
    write_json(folder / FILE_NAME, dataclasses.asdict(artefact))


def read_artefact(folder: Path) -> Artefact:
    """Reads the `artefact.json` of an exported folder, and checks the files' hashes.

    Raises:
        ChecksumError: If a file is missing or not the one that was exported.
        FileNotFoundError, ValueError: As `parse_artefact`.
    """
    artefact = parse_artefact(folder)
    for name, wanted in artefact.files.items():
        file = Path(folder) / name
        if not file.is_file():
            raise ChecksumError(f"{file} is missing. Export it again.")
        if sha256_of(file) != wanted:
            raise ChecksumError(f"{file} is not the file that was exported. Export it again.")
    return artefact


def parse_artefact(folder: Path) -> Artefact:
    """Reads the `artefact.json` of an exported folder, and looks at no other file.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is damaged, of another version or of an unknown format.
    """
    path = Path(folder) / FILE_NAME
    if not path.is_file():
        raise FileNotFoundError(f"{folder} has no {FILE_NAME}: it is no folder that `keras-musictag export` wrote.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']!r}, expected {VERSION}")
        shapes = {name: tuple(shape) for name, shape in data["outputs"].items()}
        artefact = Artefact(**{**data, "outputs": shapes, "input_shape": tuple(data["input_shape"])})
        if artefact.format not in formats.names():
            raise ValueError(f"format {artefact.format!r}, expected one of {', '.join(formats.names())}")
        for name in artefact.files.keys():  # which a list has not
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise ValueError(f"{name!r} lies outside the folder")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} cannot be read as an exported model's settings ({error}). Export it again.") from None
    return artefact


def versions(format: str) -> dict[str, str]:
    """Of this package, and of what it writes a format with."""
    found = {"keras_musictag": __version__}
    for package in formats.get(format).TOOLS:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # installed under another name, such as tensorflow-cpu
            continue
    return found


def sha256_of(path: Path) -> str:
    """Hash of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

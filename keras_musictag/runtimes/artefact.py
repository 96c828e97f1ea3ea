"""`artefact.json`: what an exported model is, stated next to it for programs that run it without this package."""

import dataclasses
import hashlib
import importlib.metadata
import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from keras_musictag import __version__
from keras_musictag.audio.chunking import Chunking
from keras_musictag.errors import ChecksumError
from keras_musictag.files import write_json
from keras_musictag.runtimes import formats
from keras_musictag.tags.vocabulary import Vocabulary

ARTEFACT_FILE = "artefact.json"
ARTEFACT_VERSION = 1
INPUT_NAMES = {"waveform": "waveform", "log-mel": "log_mel"}  # the kind of input -> the name of the model's input


@dataclass(frozen=True)
class Artefact:
    """What an exported model is.

    Attributes:
        name: Name of the tagger, such as "musicnn-mtat-v1".
        format: "savedmodel", "litert", "onnx", "openvino" or "keras".
        precision: Of the weights or the arithmetic: "float32", "float16", "bfloat16" or "int8"; the front end is always
            float32.
        input: "waveform" for float32 (batch, chunk_samples) in [-1, 1], or "log-mel" for the front end's features,
            (batch, frames, mels, 1).
        input_shape: Shape of one example, without the batch axis.
        batch: The only batch size that the model takes; None for any.
        outputs: Shape of one example of each output: "scores" and "embedding", in the order of the model's outputs.
        model: `TaggerSpec.to_dict()`: architecture, front end, chunking, ordered tags with groups, activation. The
            activation is "sigmoid", except for a tagger of logits in the format "keras", which keeps its logits.
        files: SHA-256 of each file that the model is read from, by its path in the folder. `tags.csv`, `example.py` and
            a SavedModel's `assets.extra` are not listed: they may be edited or removed.
        checks: Largest difference of a score from Keras, for each signal.
        tolerance: The largest difference that was allowed.
        licences: Of code, weights and training data, as far as they are known.
        versions: Of the packages that wrote it.
        version: Version of this file's layout.
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
    version: int = ARTEFACT_VERSION

    @property
    def vocabulary(self) -> Vocabulary:
        """The tags, in the order of the scores."""
        return Vocabulary.of(self.model["tags"])

    @property
    def chunking(self) -> Chunking:
        """How a track is cut into chunks for the model."""
        return Chunking(**self.model["chunking"])


def write_artefact(artefact: Artefact, folder: Path) -> None:
    """Writes `artefact.json` into the folder."""
    write_json(folder / ARTEFACT_FILE, dataclasses.asdict(artefact))


def read_artefact(folder: Path) -> Artefact:
    """Reads the `artefact.json` of an exported folder and checks the hashes of the files.

    Raises:
        ChecksumError: If a file is missing or is not the one that was exported.
        FileNotFoundError, ValueError: As `parse_artefact`.
    """
    artefact = parse_artefact(folder)
    for name, wanted in artefact.files.items():
        file = Path(folder) / name
        if not file.is_file():
            raise ChecksumError(f"{file} is missing. Export the model again.")
        if sha256_of(file) != wanted:
            raise ChecksumError(f"{file} is not the file that was exported. Export the model again.")
    return artefact


def parse_artefact(folder: Path) -> Artefact:
    """Reads the `artefact.json` of an exported folder and looks at no other file.

    Raises:
        FileNotFoundError: If it does not exist.
        ValueError: If it is damaged, or has another version or an unknown format.
    """
    path = Path(folder) / ARTEFACT_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{folder} has no {ARTEFACT_FILE}: `keras-musictag export` did not write this folder.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != ARTEFACT_VERSION:
            raise ValueError(f"version {data['version']!r}, expected {ARTEFACT_VERSION}")
        shapes = {name: tuple(shape) for name, shape in data["outputs"].items()}
        artefact = Artefact(**{**data, "outputs": shapes, "input_shape": tuple(data["input_shape"])})
        if artefact.format not in formats.names():
            raise ValueError(f"format {artefact.format!r}, expected one of {', '.join(formats.names())}")
        for name in artefact.files.keys():  # `keys`: raises if it is a list
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise ValueError(f"{name!r} is outside the folder")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{path} cannot be read as the settings of an exported model ({error}). Export the model again."
        ) from None
    return artefact


def versions(format: str) -> dict[str, str]:
    """The versions of this package and of the packages that it writes a format with."""
    found = {"keras_musictag": __version__}
    for package in formats.get(format).TOOLS:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # installed under another name, such as tensorflow-cpu
            continue
    return found


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""`artefact.json`: what lies in an exported folder beside the model, for whoever runs it without this package."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from keras_musictag.audio.chunk import Chunking
from keras_musictag.errors import ChecksumError
from keras_musictag.files import whole_file
from keras_musictag.tags.vocabulary import Vocabulary

FILE_NAME = "artefact.json"
VERSION = 1
INPUTS = ("waveform", "log-mel")


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
        model: `TaggerSpec.to_dict()`: architecture, front end, chunking, ordered tags with groups, activation.
        files: SHA-256 of each file, by its path in the folder.
        checks: Largest difference of a score from Keras, by signal.
        tolerance: What no difference may reach.
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
    with whole_file(folder / FILE_NAME) as scratch:
        scratch.write_text(json.dumps(dataclasses.asdict(artefact), indent=1) + "\n", encoding="utf-8")


def read_artefact(folder: Path) -> Artefact:
    """Reads the `artefact.json` of an exported folder, and checks the files' hashes.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is damaged or of another version.
        ChecksumError: If a file is missing or not the one that was exported.
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
        for name in artefact.files:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise ValueError(f"{name!r} lies outside the folder")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} cannot be read as an exported model's settings ({error}). Export it again.") from None
    for name, wanted in artefact.files.items():
        file = path.parent / name
        if not file.is_file():
            raise ChecksumError(f"{file} is missing. Export it again.")
        if sha256_of(file) != wanted:
            raise ChecksumError(f"{file} is not the file that was exported. Export it again.")
    return artefact


def sha256_of(path: Path) -> str:
    """Hash of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

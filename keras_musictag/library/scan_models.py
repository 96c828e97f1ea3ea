"""The models of a scan: which they are is known before any is loaded, because a scan may find nothing to do."""

import hashlib
import json
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from keras_musictag.errors import ExportError
from keras_musictag.processes import run_python
from keras_musictag.runtimes.artefact import parse_artefact, sha256_of
from keras_musictag.tagger.tagging import Tagging
from keras_musictag.zoo import engine_cache
from keras_musictag.zoo.loading import load
from keras_musictag.zoo.resolving import DEFAULT, exported_folder, resolve

KERAS = "keras"
EXPORT_SECONDS = 3600.0  # ends an export that hangs; the slowest one takes a few minutes


@dataclass(frozen=True)
class ModelChoice:
    """A model that a scan uses.

    Attributes:
        model, weights, engine, precision: As for `keras_musictag.load`.
        name: Of the zoo entry, the exported tagger, or the file of the model or weights.
        weights_sha256: Identifies the weights: their SHA-256; for weights that are fetched, the git blob SHA-1 of the
            checkpoint; for an exported folder, the SHA-256 of the hashes of its files.
    """

    model: str | PathLike
    weights: str | PathLike
    engine: str | None
    precision: str | None
    name: str
    weights_sha256: str

    def open(self) -> Tagging:
        """Loads the model.

        With an engine, this process does not load TensorFlow: if the export is not in the user's cache, another
        process exports the model first.
        """
        if self.engine is not None and exported_folder(self.model) is None:
            arguments = (self.model, self.weights, self.engine, self.precision)
            if not engine_cache.is_cached(*arguments):
                code, last = run_python(
                    engine_cache.__name__, json.dumps([*map(_plain, arguments)]), seconds=EXPORT_SECONDS
                )
                if code:
                    raise ExportError(f"{self.name!r} could not be exported for {self.engine!r}: {last}")
        return load(self.model, self.weights, precision=self.precision, engine=self.engine)

    def computed_by(self, tagger: Tagging) -> str:
        """What computes the scores, such as "onnx float32"."""
        if self.engine is None:
            return f"{KERAS} {tagger.precision}"
        return f"{tagger.artefact.format} {tagger.artefact.precision}"


def _plain(value) -> str | None:
    return None if value is None else str(value)


def choose_model(
    model: str | PathLike,
    weights: str | PathLike = DEFAULT,
    engine: str | None = None,
    precision: str | None = None,
) -> ModelChoice:
    """Finds out which weights a model has, without loading them. Arguments and errors are those of `load`.

    Example:
        >>> choose_model("musicnn").name
        'musicnn-mtat-v1'
    """
    engine = None if engine == KERAS else engine
    folder = exported_folder(model) if engine is not None else None
    if folder is not None:
        artefact = parse_artefact(folder)
        identity = json.dumps(artefact.files, sort_keys=True).encode()
        return ModelChoice(model, weights, engine, precision, artefact.name, hashlib.sha256(identity).hexdigest())
    source = resolve(model, weights)
    if source.weights is None:
        raise ValueError(f"A library is tagged with trained weights. Received: {model!r} with weights={weights!r}.")
    if source.is_entry:
        stated = source.card.weights
        name, identity = source.card.name, stated.sha256 or stated.git_blob_sha1
    else:
        name, identity = Path(source.weights).stem, sha256_of(source.weights)
    return ModelChoice(model, weights, engine, precision, name, identity)

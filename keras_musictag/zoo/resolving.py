"""What the `model` and `weights` of `load` stand for: a name, a folder or a file -> a `Source`. Loads no weights.

Keras and TensorFlow write files and folders that `load` cannot take as they are. `_advice_on` recognises these and says
what to do with them.
"""

import os
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from keras_musictag import architectures
from keras_musictag.errors import UnknownNameError
from keras_musictag.runtimes.artefact import ARTEFACT_FILE
from keras_musictag.zoo.card import CARD_FILE, Card, read_card
from keras_musictag.zoo.catalog import cards, entries

DEFAULT = "default"
WEIGHTS_ONLY = (".safetensors", ".weights.h5", ".weights.json")  # the last: Keras's index of several .weights.h5
WEIGHT_FILES = (*WEIGHTS_ONLY, ".h5", ".keras")


@dataclass(frozen=True)
class Source:
    """What a model is made from.

    Attributes:
        architecture: Its name; None for a `.keras` or `.h5` file, which states it itself.
        card: Of the entry that its settings come from; None if the architecture has no entry.
        weights: The entry's folder, a file of weights, or a `.keras` or `.h5` file; None for random weights.
    """

    architecture: str | None
    card: Card | None
    weights: Path | None

    @property
    def is_entry(self) -> bool:
        """Whether the weights are those of a zoo entry."""
        return self.weights is not None and self.weights.is_dir()


def resolve(model: str | PathLike, weights: str | PathLike | None = DEFAULT) -> Source:
    """Finds what two arguments of `load` stand for.

    Raises:
        UnknownNameError: If a name is unknown.
        FileNotFoundError: If a path does not exist.
        ValueError: If the two contradict each other, or a path is not a model.
    """
    if _is_path(model):
        return _from_path(Path(model), weights)
    folders = entries()
    if model in folders:
        return _from_entry(folders[model], weights)
    if model in architectures.names():
        return _from_architecture(model, weights, folders)
    if Path(model).exists():
        return _from_path(Path(model), weights)
    raise UnknownNameError.of("model", model, [*architectures.names(), *folders])


def exported_folder(model) -> Path | None:
    """The folder that `model` means, if it holds an export; None for the name of a model, which takes precedence."""
    if not isinstance(model, (str, PathLike)) or not (Path(model) / ARTEFACT_FILE).is_file():
        return None
    return None if model in architectures.names() or model in entries() else Path(model)


def _is_path(model) -> bool:
    if isinstance(model, PathLike):
        return True
    if not isinstance(model, str):
        raise ValueError(f"`model` must be a name or a path. Received: {model!r}.")
    return os.sep in model or "/" in model or model.startswith(".") or model.endswith((".keras", ".h5"))


def _from_path(path: Path, weights) -> Source:
    if (path / ARTEFACT_FILE).is_file():
        raise ValueError(
            f"{path} is an exported model, which Keras does not run. Name its engine, as in load(..., engine='onnx'), "
            "or run its example.py. If its format is 'keras', load the `.keras` file in it."
        )
    if path.is_dir() and (path / CARD_FILE).is_file():
        return _from_entry(path, weights)
    advice = _advice_on(path)
    if advice is not None:
        raise ValueError(advice)
    if path.is_dir():
        return _from_entry(path, weights)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no model at {path}; expected the folder of a zoo entry, or a .keras or .h5 file. Check the "
            "spelling."
        )
    if weights != DEFAULT:
        raise ValueError(f"A file of a whole model has its own weights. Received: weights={weights!r} with {path}.")
    return Source(None, None, path)


def _from_entry(folder: Path, weights) -> Source:
    card = read_card(folder)
    if weights is None:
        return Source(card.architecture, card, None)
    if weights not in (DEFAULT, card.trained_on.dataset, card.name):
        raise ValueError(
            f"The entry {card.name!r} has its own weights, trained on {card.trained_on.dataset!r}. "
            f"Received: weights={weights!r}. Name the architecture instead: load({card.architecture!r}, "
            f"weights={weights!r})."
        )
    return Source(card.architecture, card, folder)


def _from_architecture(name: str, weights, folders: dict[str, Path]) -> Source:
    own = cards(name)
    default = own[0] if own else None
    if weights is None:
        return Source(name, default, None)
    if isinstance(weights, PathLike) or os.sep in str(weights) or str(weights).endswith(WEIGHT_FILES):
        return Source(name, default, _weight_file(Path(weights)))
    if default is None:
        raise UnknownNameError(
            f"There are no published weights of {name!r}. To train it, build it with build({name!r}, tags=[...]). "
            f"Architectures with weights: {', '.join(sorted({card.architecture for card in cards()}))}."
        )
    matching = [card for card in own if weights in (DEFAULT, card.trained_on.dataset)]
    card = next(iter(matching), None) or next((card for card in own if card.name == weights), None)
    if card is None:
        known = [*dict.fromkeys(card.trained_on.dataset for card in own), *(card.name for card in own)]
        raise UnknownNameError.of(f"set of weights of {name!r} called", weights, known)
    return Source(name, card, folders[card.name])


def _weight_file(path: Path) -> Path:
    advice = None if path.name.endswith(WEIGHTS_ONLY) else _advice_on(path)
    if advice is not None:
        raise ValueError(advice)
    if not path.is_file():
        raise FileNotFoundError(f"There are no weights at {path}; expected a file. Check the spelling.")
    if not path.name.endswith(WEIGHT_FILES):
        raise ValueError(f"A file of weights must end in {', '.join(WEIGHT_FILES)}. Received: {path}.")
    return path


def _advice_on(path: Path) -> str | None:
    """What a path of Keras or TensorFlow is, and what to do with it; None if it is not one that `load` refuses.

    Args:
        path: A file, a folder, or the stem that names the files of a TensorFlow checkpoint.
    """
    if path.is_file() and path.name.endswith(WEIGHTS_ONLY):
        return f"{path} holds only weights. Name architecture and tags: load('vgg', weights={str(path)!r}, tags=...)."
    if (path / "latest.weights.h5").is_file():
        return (
            f"{path} is a folder of Keras's BackupAndRestore. Name the architecture and its tags: load('vgg', "
            f"weights={str(path / 'latest.weights.h5')!r}, tags=...)."
        )
    if (path / "saved_model.pb").is_file() or path.name == "saved_model.pb":
        return (
            f"{path} is a SavedModel, which holds no Keras model. Load the model that it was made from and save it "
            "with tagger.save('model.keras'); for inference only, write it with kmt.export."
        )
    if _is_checkpoint(path):
        return (
            f"{path} is a TensorFlow checkpoint, which does not say which network it belongs to. Build the network "
            "with kmt.build, read the checkpoint with tf.train.Checkpoint(model=tagger).restore(...), and save the "
            "tagger with tagger.save('model.keras')."
        )
    if (path / "model.keras").is_file():
        return f"{path} holds a tagger: load {path / 'model.keras'}."
    return None


def _is_checkpoint(path: Path) -> bool:
    if path.is_dir():
        return any(path.glob("*.index"))
    names_one_file = path.suffix == ".index" or path.suffix.startswith(".data-")  # the two files of a checkpoint
    return (path.with_suffix(".index") if names_one_file else path.with_name(f"{path.name}.index")).is_file()

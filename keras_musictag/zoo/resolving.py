"""What Keras and TensorFlow leave on a disk and `load` does not take as it is: what it is, and what to do with it.

The one resolver: what a name, a folder or a file stands for. Loads no weights.
"""

import os
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from keras_musictag import architectures
from keras_musictag.errors import UnknownNameError
from keras_musictag.zoo.card import FILE_NAME, Card, read_card
from keras_musictag.zoo.catalog import best_entry, cards, entries

WEIGHTS_ONLY = (".safetensors", ".weights.h5", ".weights.json")  # the last: Keras's index of several .weights.h5


def explain(path: Path) -> str | None:
    """One sentence on what a path is, and one on what to do; None where it is nothing of the kind.

    Args:
        path: A file, a folder, or the stem that TensorFlow's checkpoints are named by.
    """
    if path.is_file() and path.name.endswith(WEIGHTS_ONLY):
        return f"{path} holds weights alone. Name architecture and tags: load('vgg', weights={str(path)!r}, tags=...)."
    if (path / "latest.weights.h5").is_file():
        return (
            f"{path} is a folder of Keras's BackupAndRestore. Name the architecture and its tags: load('vgg', "
            f"weights={str(path / 'latest.weights.h5')!r}, tags=...)."
        )
    if (path / "saved_model.pb").is_file() or path.name == "saved_model.pb":
        return (
            f"{path} is a SavedModel, which holds no Keras model. Load what it was made from and save that by "
            "tagger.save('model.keras'); for inference alone, write it by kmt.export."
        )
    if _is_checkpoint(path):
        return (
            f"{path} is a checkpoint of TensorFlow, which does not say what network it is of. Build the network by "
            "kmt.build, read the checkpoint by tf.train.Checkpoint(model=tagger).restore(...), and save the tagger by "
            "tagger.save('model.keras')."
        )
    if (path / "model.keras").is_file():
        return f"{path} holds a tagger: load {path / 'model.keras'}."
    return None


def _is_checkpoint(path: Path) -> bool:
    if path.is_dir():
        return any(path.glob("*.index"))
    of_one = path.suffix == ".index" or path.suffix.startswith(".data-")  # the two files of a checkpoint
    return (path.with_suffix(".index") if of_one else path.with_name(f"{path.name}.index")).is_file()


DEFAULT = "default"
WEIGHT_FILES = (*WEIGHTS_ONLY, ".h5", ".keras")


@dataclass(frozen=True)
class Source:
    """What a model is made from.

    Attributes:
        architecture: Its name; None for a `.keras` or `.h5` file, which says it itself.
        card: Of the entry that its settings come from; None where the architecture has no entry.
        weights: The entry's folder, a file of weights, or a `.keras` or `.h5` file; None for random weights.
    """

    architecture: str | None
    card: Card | None
    weights: Path | None


def resolve(model: str | PathLike, weights: str | PathLike | None = DEFAULT) -> Source:
    """Finds out what two arguments of `load` stand for.

    Raises:
        UnknownNameError: If a name is not known.
        FileNotFoundError: If a path does not exist.
        ValueError: If the two contradict each other.
    """
    if _is_path(model):
        return _from_path(Path(model), weights)
    known = entries()
    if model in known:
        return _from_entry(known[model], weights)
    if model in architectures.names():
        return _from_architecture(model, weights)
    if Path(model).exists():
        return _from_path(Path(model), weights)
    raise UnknownNameError.of("model", model, [*architectures.names(), *known])


def _is_path(model) -> bool:
    if isinstance(model, PathLike):
        return True
    if not isinstance(model, str):
        raise ValueError(f"`model` must be a name or a path. Received: {model!r}.")
    return os.sep in model or "/" in model or model.startswith(".") or model.endswith((".keras", ".h5"))


def _from_path(path: Path, weights) -> Source:
    if path.is_dir() and (path / FILE_NAME).is_file():
        return _from_entry(path, weights)
    other = explain(path)
    if other is not None:
        raise ValueError(other)
    if path.is_dir():
        return _from_entry(path, weights)
    if not path.is_file():
        raise FileNotFoundError(f"There is no model at {path}.")
    if weights != DEFAULT:
        raise ValueError(f"A file of a whole model brings its own weights. Received: weights={weights!r} with {path}.")
    return Source(None, None, path)


def _from_entry(folder: Path, weights) -> Source:
    card = read_card(folder)
    if weights is None:
        return Source(card.architecture, card, None)
    if weights not in (DEFAULT, card.trained_on.dataset, card.name):
        raise ValueError(
            f"The entry {card.name!r} has weights of its own, trained on {card.trained_on.dataset!r}. "
            f"Received: weights={weights!r}. Name the architecture instead: load({card.architecture!r}, "
            f"weights={weights!r})."
        )
    return Source(card.architecture, card, folder)


def _from_architecture(name: str, weights) -> Source:
    default = best_entry(name)
    if weights is None:
        return Source(name, default, None)
    if isinstance(weights, PathLike) or os.sep in str(weights) or str(weights).endswith(WEIGHT_FILES):
        path = Path(weights)
        other = None if path.name.endswith(WEIGHTS_ONLY) else explain(path)
        if other is not None:
            raise ValueError(other)
        if not path.is_file():
            raise FileNotFoundError(f"There are no weights at {path}.")
        if not path.name.endswith(WEIGHT_FILES):
            raise ValueError(f"A file of weights must end in {', '.join(WEIGHT_FILES)}. Received: {path}.")
        return Source(name, default, path)
    existing = [card for card in cards() if card.architecture == name]
    if not existing:
        raise UnknownNameError(
            f"There are no published weights of {name!r}. build({name!r}, tags=[...]) makes one to train; "
            f"there are weights of: {', '.join(sorted({card.architecture for card in cards()}))}."
        )
    card = default if weights == DEFAULT else best_entry(name, dataset=weights)
    card = card or next((card for card in existing if card.name == weights), None)
    if card is None:
        known = [*dict.fromkeys(card.trained_on.dataset for card in existing), *(card.name for card in existing)]
        raise UnknownNameError.of(f"set of weights of {name!r} called", weights, known)
    return Source(name, card, entries()[card.name])

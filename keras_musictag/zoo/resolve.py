"""The one resolver: what a name, a folder or a file stands for. Loads no weights."""

import os
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from keras_musictag import architectures
from keras_musictag.errors import UnknownNameError
from keras_musictag.zoo.card import Card, read_card
from keras_musictag.zoo.catalog import best_entry, cards, entries

DEFAULT = "default"
WEIGHT_FILES = (".safetensors", ".weights.h5")


@dataclass(frozen=True)
class Source:
    """What a model is made from.

    Attributes:
        architecture: Its name; None for a `.keras` file, which says it itself.
        card: Of the entry that its settings come from; None where the architecture has no entry.
        weights: The entry's folder, a file of weights, or a `.keras` file; None for random weights.
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
    return os.sep in model or "/" in model or model.startswith(".") or model.endswith(".keras")


def _from_path(path: Path, weights) -> Source:
    if path.is_dir():
        return _from_entry(path, weights)
    if not path.is_file():
        raise FileNotFoundError(f"There is no model at {path}.")
    if weights != DEFAULT:
        raise ValueError(f"A `.keras` file brings its own weights. Received: weights={weights!r} with {path}.")
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
    if isinstance(weights, PathLike) or str(weights).endswith(WEIGHT_FILES):
        path = Path(weights)
        if not path.is_file():
            raise FileNotFoundError(f"There are no weights at {path}.")
        if not path.name.endswith(WEIGHT_FILES):
            raise ValueError(f"A file of weights must end in {' or '.join(WEIGHT_FILES)}. Received: {path}.")
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

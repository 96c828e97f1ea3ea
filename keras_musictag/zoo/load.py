"""The one resolver: a name, a folder or a file -> a Tagger."""

import os
import zipfile
from os import PathLike
from pathlib import Path

import keras

from keras_musictag import architectures
from keras_musictag.errors import UnknownNameError
from keras_musictag.tagger import Tagger, TaggerSpec
from keras_musictag.zoo.card import Card, read_card
from keras_musictag.zoo.catalog import best_entry, cards, entries
from keras_musictag.zoo.weights import assign_weights, read_weights

DEFAULT = "default"


def load(model: str | PathLike, weights: str | None = DEFAULT) -> Tagger:
    """Loads a tagger.

    Args:
        model: An architecture's name ("musicnn"), a zoo entry's ("musicnn-msd-v1"), an entry's folder, or a
            `.keras` file that a Tagger was saved to.
        weights: For an architecture: "default", a dataset ("mtat"), or an entry's name. None, also for an
            entry: random weights, with the default entry's tags.

    Returns:
        A `Tagger`.

    Raises:
        UnknownNameError: If a name is not known.
        FileNotFoundError: If a path does not exist.
        ChecksumError: If a weight file is not the one that its card states.
        ValueError: If the two arguments contradict each other or a file is no tagger.

    Example:
        >>> load("musicnn", weights="msd").name
        'musicnn-msd-v1'
    """
    if _is_path(model):
        return _load_path(Path(model), weights)
    known = entries()
    if model in known:
        return _load_entry(known[model], weights)
    if model in architectures.names():
        return _load_architecture(model, weights)
    if Path(model).exists():
        return _load_path(Path(model), weights)
    raise UnknownNameError.of("model", model, [*architectures.names(), *known])


def build(architecture: str, tags) -> Tagger:
    """Builds a tagger with random weights.

    Args:
        architecture: A name of `architectures.names()`.
        tags: The tags to tell apart: names, or a `Vocabulary`.

    Raises:
        UnknownNameError: If there is no such architecture.

    Example:
        >>> build("vgg", tags=["calm", "wild"]).output_shape
        (None, 2)
    """
    return Tagger(TaggerSpec.of(architecture, tags))


def _is_path(model) -> bool:
    if isinstance(model, PathLike):
        return True
    if not isinstance(model, str):
        raise ValueError(f"`model` must be a name or a path. Received: {model!r}.")
    return os.sep in model or "/" in model or model.startswith(".") or model.endswith(".keras")


def _load_path(path: Path, weights) -> Tagger:
    if path.is_dir():
        return _load_entry(path, weights)
    if not path.is_file():
        raise FileNotFoundError(f"There is no model at {path}.")
    if weights != DEFAULT:
        raise ValueError(f"A `.keras` file brings its own weights. Received: weights={weights!r} with {path}.")
    try:
        tagger = keras.saving.load_model(path)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path} could not be loaded as a Keras model: {reason}") from error
    if not isinstance(tagger, Tagger):
        raise ValueError(f"{path} holds a {type(tagger).__name__}, not a Tagger: it has no tags.")
    return tagger


def _load_entry(folder: Path, weights) -> Tagger:
    card = read_card(folder)
    if weights not in (DEFAULT, None, card.trained_on.dataset, card.name):
        raise ValueError(
            f"The entry {card.name!r} has weights of its own, trained on {card.trained_on.dataset!r}. "
            f"Received: weights={weights!r}. Name the architecture instead: load({card.architecture!r}, "
            f"weights={weights!r})."
        )
    return _make(card, folder if weights is not None else None)


def _load_architecture(name: str, weights) -> Tagger:
    if weights in (DEFAULT, None):
        card = best_entry(name)
    else:
        card = best_entry(name, dataset=weights) or next(
            (c for c in cards() if c.architecture == name and c.name == weights), None
        )
    if card is None:
        existing = [c for c in cards() if c.architecture == name]
        if not existing:
            raise UnknownNameError(
                f"There are no published weights of {name!r}. build({name!r}, tags=[...]) makes one to train; "
                f"there are weights of: {', '.join(sorted({c.architecture for c in cards()}))}."
            )
        known = [*dict.fromkeys(c.trained_on.dataset for c in existing), *(c.name for c in existing)]
        raise UnknownNameError.of(f"set of weights of {name!r} called", weights, known)
    return _make(card, entries()[card.name] if weights is not None else None)


def _make(card: Card, folder: Path | None) -> Tagger:
    """The tagger of a card, with the weights in a folder or, without one, random ones."""
    tagger = Tagger(TaggerSpec.from_dict(card.model), name=card.architecture if folder is None else card.name)
    if folder is not None:
        path = folder / card.weights.file
        assign_weights(tagger, read_weights(path, card.weights.sha256), str(path))
    return tagger

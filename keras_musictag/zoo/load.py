"""A name, a folder or a file -> a Tagger, with the head that is asked for."""

import dataclasses
import zipfile
from os import PathLike
from pathlib import Path

import keras
import numpy as np

from keras_musictag.tagger import Tagger, TaggerSpec
from keras_musictag.tags.vocabulary import Vocabulary
from keras_musictag.zoo.build import build_spec
from keras_musictag.zoo.fetch import fetch
from keras_musictag.zoo.resolve import DEFAULT, Source, resolve
from keras_musictag.zoo.weights import arrays_of, assign_weights, read_weights

HEAD_PREFIX = "logits/"


def load(
    model: str | PathLike,
    weights: str | PathLike | None = DEFAULT,
    tags=None,
    include_top: bool = True,
    classifier_activation: str | None = "sigmoid",
    chunk_seconds: float | None = None,
    precision: str | None = None,
) -> Tagger:
    """Loads a tagger, in the manner of `keras.applications`.

    Args:
        model: An architecture's name ("musicnn"), a zoo entry's ("musicnn-msd-v1"), an entry's folder, or a
            `.keras` file that a Tagger was saved to.
        weights: For an architecture: "default", a dataset ("mtat"), an entry's name, or a file (.safetensors or
            .weights.h5). None, also for an entry: random weights.
        tags: Other tags than the pretrained ones give a new, random head on the pretrained body; None for the
            pretrained ones. With a file of weights: the tags of its outputs.
        include_top: False for the feature extractor: no head, the output is the embedding.
        classifier_activation: "sigmoid" for scores, but a model saved with logits stays so; None for logits (`tag` and
            `taggram` give scores all the same).
        chunk_seconds: Length of the network's input, where the architecture allows another than its own.
        precision: "float32", "bfloat16", "float16", or None for Keras's global dtype policy: see `Tagger`.

    Returns:
        A `Tagger`. Weights at an address are fetched, checked and converted on first use.

    Raises:
        UnknownNameError: If a name is not known.
        FileNotFoundError: If a path does not exist.
        ChecksumError: If a weight file is not the one that its card states.
        MusicTagError: If weights cannot be fetched.
        ValueError: If arguments contradict each other or a file is no tagger.

    Example:
        >>> load("musicnn", weights="msd").name
        'musicnn-msd-v1'
        >>> load("musicnn", tags=["calm", "wild"]).output_shape
        (None, 2)
    """
    if tags is not None and not include_top:
        raise ValueError(f"A model without a head has no tags. Received: include_top=False with tags={list(tags)!r}.")
    source = resolve(model, weights)
    if source.architecture is None:
        return _adapt_saved(source.weights, tags, include_top, classifier_activation, chunk_seconds, precision)
    spec = _wanted(_spec_of(source, tags, include_top), tags, include_top, classifier_activation)
    pretrained_name = source.card.name if source.card and source.weights and source.weights.is_dir() else None
    tagger = build_spec(spec, chunk_seconds, precision, pretrained_name or source.architecture)
    _set_weights(tagger, source)
    return tagger


def _spec_of(source: Source, tags, include_top) -> TaggerSpec:
    """The settings of the entry; of an architecture without one, those of its paper."""
    if source.card is not None:
        return TaggerSpec.from_dict(source.card.model)
    if tags is None and include_top:
        raise ValueError(
            f"{source.architecture!r} has no published weights whose tags could be taken. Pass tags=[...], or "
            "include_top=False."
        )
    return TaggerSpec.of(source.architecture, tags)


def _wanted(spec: TaggerSpec, tags, include_top, classifier_activation) -> TaggerSpec:
    """A spec with the head that is asked for; known tags in their order keep their groups."""
    if classifier_activation != "sigmoid":
        spec = dataclasses.replace(spec, classifier_activation=classifier_activation)
    if not include_top:
        return dataclasses.replace(spec, vocabulary=None)
    if tags is None:
        return spec
    vocabulary = Vocabulary.of(tags)
    same = spec.vocabulary is not None and vocabulary.names == spec.vocabulary.names
    return spec if same else dataclasses.replace(spec, vocabulary=vocabulary)


def _set_weights(tagger: Tagger, source: Source) -> None:
    if source.weights is None:
        return
    if source.weights.is_dir():
        card = source.card
        path = fetch(card) if card.weights.file is None else source.weights / card.weights.file
        arrays = read_weights(path, card.weights.sha256)
        same_head = tagger.vocabulary == TaggerSpec.from_dict(card.model).vocabulary
        assign_weights(tagger, _with_head_of(tagger, arrays, same_head), str(path))
    elif source.weights.suffix == ".h5":
        try:
            tagger.load_weights(source.weights)
        except (ValueError, KeyError, OSError) as error:
            reason = (str(error).splitlines() or [""])[0]
            raise ValueError(f"{source.weights} does not fit {tagger.name}: {reason}") from error
    else:
        arrays = _with_head_of(tagger, read_weights(source.weights), same_head=tagger.vocabulary is not None)
        assign_weights(tagger, arrays, str(source.weights))


def _with_head_of(tagger: Tagger, arrays: dict[str, np.ndarray], same_head: bool) -> dict[str, np.ndarray]:
    """The arrays, but with the tagger's own head (or none) where it is another one."""
    if same_head:
        return arrays
    body = {key: array for key, array in arrays.items() if not key.startswith(HEAD_PREFIX)}
    own = {key: array for key, array in arrays_of(tagger).items() if key.startswith(HEAD_PREFIX)}
    return {**body, **own}


def _adapt_saved(path: Path, tags, include_top, classifier_activation, chunk_seconds, precision) -> Tagger:
    """The tagger of a `.keras` file: as it was saved, compiled state and all, or its body under another head."""
    saved = _load_saved(path)
    spec = _wanted(saved.spec, tags, include_top, classifier_activation)
    if spec == saved.spec and chunk_seconds is None and precision in (None, saved.precision):
        return saved
    tagger = build_spec(spec, chunk_seconds, precision or saved.precision, saved.name)
    arrays = _with_head_of(tagger, arrays_of(saved), spec.vocabulary == saved.vocabulary)
    assign_weights(tagger, arrays, str(path))
    for layer in tagger.layers:  # frozen layers stay frozen; a new head is there to be trained
        new_head = layer.name == "logits" and spec.vocabulary != saved.vocabulary
        layer.trainable = new_head or layer.name not in saved.get_config()["frozen_layers"]
    return tagger


def _load_saved(path: Path) -> Tagger:
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is no `.keras` file, such as tagger.save('x.keras') writes. Is it damaged?")
    try:
        tagger = keras.saving.load_model(path)
    except (ValueError, TypeError, KeyError, OSError, ArithmeticError, zipfile.BadZipFile) as error:
        cause = error.__cause__ or error
        reason = f"{type(cause).__name__}: {(str(cause).splitlines() or [''])[0]}"
        raise ValueError(f"{path} could not be loaded as a tagger ({reason}). Is it damaged?") from error
    if not isinstance(tagger, Tagger):
        raise ValueError(f"{path} holds a {type(tagger).__name__}, not a Tagger: it has no tags.")
    return tagger

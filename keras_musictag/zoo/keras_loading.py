"""Models in Keras: `build` makes a Tagger with random weights, `load_tagger` one with the weights of a `Source`.

Importing this module imports Keras, and with it TensorFlow.
"""

import dataclasses
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag.tagger import Tagger, TaggerSpec
from keras_musictag.tags.vocabulary import Vocabulary
from keras_musictag.zoo.fetching import fetch
from keras_musictag.zoo.resolving import Source
from keras_musictag.zoo.weights import arrays_of, assign_weights, read_weights


def build(
    architecture: str,
    tags,
    classifier_activation: str | None = "sigmoid",
    chunk_seconds: float | None = None,
    precision: str | None = None,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
) -> Tagger:
    """Builds a tagger with random weights, to train it.

    Args:
        architecture: A name of `architectures.names()`.
        tags: The tags to predict: names, or a `Vocabulary`; None for a feature extractor without a head.
        classifier_activation: "sigmoid", or None for logits.
        chunk_seconds: Length of the network's input, if the architecture allows other lengths than its own (its
            docstring says so); None for its own.
        precision: "float32", "bfloat16", "float16", or None for Keras's global dtype policy: see `Tagger`.
        name: The model's name; None for the architecture's.
        config: Settings of the architecture's `Config` to change, for example {"units": 128}.

    Raises:
        UnknownNameError: If there is no such architecture, precision or setting.
        ValueError: If the tags are not a list of distinct names, or the architecture does not allow the length.

    Example:
        >>> build("vgg", tags=["calm", "wild"]).output_shape
        (None, 2)
        >>> build("short_chunk_cnn", tags=["calm", "wild"], chunk_seconds=5).chunk_seconds
        5.0
        >>> build("short_chunk_cnn", tags=["calm", "wild"], config={"units": 128}).spec.config.units
        128
    """
    spec = TaggerSpec.of(architecture, tags, classifier_activation=classifier_activation).with_config(config or {})
    return build_spec(spec, chunk_seconds, precision, name)


def build_spec(spec: TaggerSpec, chunk_seconds=None, precision=None, name=None) -> Tagger:
    """Builds a tagger from a spec, with chunks of another length if one is given."""
    if chunk_seconds is None:
        return Tagger(spec, precision=precision, name=name)
    spec = spec.with_chunk_seconds(chunk_seconds)
    too_short = f"Chunks of {chunk_seconds} s are too short for {spec.architecture!r}: its pooling leaves nothing."
    try:
        tagger = Tagger(spec, precision=precision, name=name)
    except ValueError as error:
        raise ValueError(too_short) from error
    if any(0 in layer.output.shape for layer in tagger.layers):
        raise ValueError(too_short)
    return tagger


HEAD_PREFIX = "logits/"


def load_tagger(
    source: Source,
    tags=None,
    include_top: bool = True,
    classifier_activation: str | None = "sigmoid",
    chunk_seconds: float | None = None,
    precision: str | None = None,
) -> Tagger:
    """Makes the tagger of a source. Arguments and errors are those of `load`."""
    if source.architecture is None:
        return _from_saved(source.weights, tags, include_top, classifier_activation, chunk_seconds, precision)
    spec = _with_head(_spec_of(source, tags, include_top), tags, include_top, classifier_activation)
    name = source.card.name if source.is_entry else source.architecture
    tagger = build_spec(spec, chunk_seconds, precision, name)
    _set_weights(tagger, source)
    return tagger


def _spec_of(source: Source, tags, include_top) -> TaggerSpec:
    """The settings of the entry; for an architecture without an entry, those of its paper."""
    if source.card is not None:
        return TaggerSpec.from_dict(source.card.model)
    if tags is None and include_top:
        raise ValueError(
            f"{source.architecture!r} has no published weights to take the tags from. Pass tags=[...] or "
            "include_top=False."
        )
    return TaggerSpec.of(source.architecture, tags)


def _with_head(spec: TaggerSpec, tags, include_top, classifier_activation) -> TaggerSpec:
    """The spec with the requested head; the same tags in the same order keep their groups."""
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
    if source.is_entry:
        card = source.card
        path = fetch(card) if card.weights.file is None else source.weights / card.weights.file
        arrays = read_weights(path, card.weights.sha256)
        same_head = tagger.vocabulary == Vocabulary.of(card.model["tags"])
        assign_weights(tagger, _with_head_of(tagger, arrays, same_head), str(path))
    elif source.weights.suffix != ".safetensors":
        try:
            tagger.load_weights(source.weights)
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            reason = (str(error).splitlines() or [""])[0]
            raise ValueError(
                f"{source.weights} does not fit {tagger.name} with {tagger.output_shape[1]} outputs: {reason} Pass the "
                "architecture and the tags that it was saved with, as tags=[...]; the name of a file of weights must "
                "end in .weights.h5."
            ) from error
    else:
        arrays = _with_head_of(tagger, read_weights(source.weights), same_head=tagger.vocabulary is not None)
        assign_weights(tagger, arrays, str(source.weights))


def _with_head_of(tagger: Tagger, arrays: dict[str, np.ndarray], same_head: bool) -> dict[str, np.ndarray]:
    """The arrays; unless the head is the same, with the tagger's own head (or none) in place of theirs."""
    if same_head:
        return arrays
    body = {key: array for key, array in arrays.items() if not key.startswith(HEAD_PREFIX)}
    own = {key: array for key, array in arrays_of(tagger).items() if key.startswith(HEAD_PREFIX)}
    return {**body, **own}


def _from_saved(path: Path, tags, include_top, classifier_activation, chunk_seconds, precision) -> Tagger:
    """The tagger of a `.keras` file: as it was saved, including its compiled state, or its body with another head."""
    saved = _load_saved(path)
    spec = _with_head(saved.spec, tags, include_top, classifier_activation)
    if spec == saved.spec and chunk_seconds is None and precision in (None, saved.precision):
        return saved
    tagger = build_spec(spec, chunk_seconds, precision or saved.precision, saved.name)
    arrays = _with_head_of(tagger, arrays_of(saved), spec.vocabulary == saved.vocabulary)
    assign_weights(tagger, arrays, str(path))
    for layer in tagger.layers:  # frozen layers stay frozen, but a new head has to be trained
        new_head = layer.name == "logits" and spec.vocabulary != saved.vocabulary
        layer.trainable = new_head or layer.name not in saved.get_config()["frozen_layers"]
    return tagger


def _load_saved(path: Path) -> Tagger:
    import keras  # not on top: there it would come before `Tagger`, which explains why Keras does not start

    whole = path.suffix == ".h5" or (path.suffix == ".keras" and zipfile.is_zipfile(path))
    if not whole:
        raise ValueError(f"{path} is not a `.keras` file, such as tagger.save('x.keras') writes. Is it damaged?")
    try:  # `.h5` files name classes without their package
        tagger = keras.saving.load_model(path, custom_objects={"Tagger": Tagger})
    except (ValueError, TypeError, KeyError, OSError, ArithmeticError, zipfile.BadZipFile) as error:
        if "No model config found" in str(error):
            raise ValueError(
                f"{path} holds only weights. Rename it to end in .weights.h5, and name the architecture and tags: "
                "load('vgg', weights='x.weights.h5', tags=...)."
            ) from error
        cause = error.__cause__ or error
        reason = f"{type(cause).__name__}: {(str(cause).splitlines() or [''])[0]}"
        raise ValueError(f"{path} could not be loaded as a tagger ({reason}). Is it damaged?") from error
    if not isinstance(tagger, Tagger):
        raise ValueError(f"{path} holds a {type(tagger).__name__}, not a Tagger: it has no tags.")
    return tagger

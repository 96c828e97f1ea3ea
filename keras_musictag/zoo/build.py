"""An architecture and a list of tags -> a Tagger with random weights."""

from collections.abc import Mapping
from typing import Any

from keras_musictag.tagger import Tagger, TaggerSpec


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
        tags: The tags to tell apart: names, or a `Vocabulary`; None for a feature extractor without a head.
        classifier_activation: "sigmoid", or None for logits.
        chunk_seconds: Length of the network's input, where the architecture allows another than its own (its
            docstring says so); None for its own.
        precision: "float32", "bfloat16", "float16", or None for Keras's global dtype policy: see `Tagger`.
        name: The model's name; None for the architecture's.
        config: Settings of the architecture's `Config` to change, such as {"units": 128}.

    Raises:
        UnknownNameError: If there is no such architecture, precision or setting.
        ValueError: If the tags are not a list of different names, or the length does not suit the architecture.

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
    """A tagger of a spec, for chunks of another length where one is given."""
    if chunk_seconds is None:
        return Tagger(spec, precision=precision, name=name)
    spec = spec.with_chunk_seconds(chunk_seconds)
    short = f"Chunks of {chunk_seconds} s are too short for {spec.architecture!r}: its pooling leaves nothing of them."
    try:
        tagger = Tagger(spec, precision=precision, name=name)
    except ValueError as error:
        raise ValueError(short) from error
    if any(0 in layer.output.shape for layer in tagger.layers):
        raise ValueError(short)
    return tagger

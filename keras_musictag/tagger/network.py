"""The network of a tagger: waveform -> front end -> body -> head, as a functional graph."""

import keras

from keras_musictag import architectures, frontends
from keras_musictag.errors import UnknownNameError
from keras_musictag.layers import spec_augment  # noqa: F401 - a saved tagger may hold one, and Keras must know it
from keras_musictag.layers.dtype_policy import dtype_policy
from keras_musictag.tagger.spec import TaggerSpec

HEAD = ("head_dropout", "logits", "scores")  # the layers behind the body, the same for every architecture
# In what numbers a network computes; its weights, front end and head are float32 in each
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def connect(
    spec: TaggerSpec,
    implementation: str | None = None,
    precision: str | None = None,
    augment: keras.layers.Layer | None = None,
):
    """Builds the graph.

    Args:
        spec: What to build.
        implementation: Of the front end: "kapre", "portable", or None for what suits the backend.
        precision: "float32", "bfloat16" or "float16"; None for Keras's global dtype policy.
        augment: What to put between front end and body, such as `SpecAugment`; it works in training only.

    Returns:
        `(inputs, outputs)`: float32 (batch, chunk_samples), and float32 (batch, tags): scores, or logits without
        a classifier activation; without a head, (batch, features).
    """
    architecture = architectures.get(spec.architecture)
    frontend = frontends.get(frontends.name_of(spec.frontend_config))
    inputs = keras.Input((spec.chunking.chunk_samples,), dtype="float32", name="waveform")
    x = frontend.apply(inputs, spec.frontend_config, frontends.choose_implementation(implementation))
    x = x if augment is None else augment(x)
    with dtype_policy(POLICIES[choose_precision(precision)]):
        x = architecture.body(x, spec.config)
        dropout, logits, scores = HEAD
        if spec.vocabulary is None:
            return inputs, keras.layers.Activation("linear", dtype="float32", name="embedding")(x)
        x = keras.layers.Dropout(spec.config.dropout, name=dropout)(x)
    x = keras.layers.Dense(len(spec.vocabulary), dtype="float32", name=logits)(x)
    if spec.classifier_activation is not None:
        x = keras.layers.Activation(spec.classifier_activation, dtype="float32", name=scores)(x)
    return inputs, x


def choose_precision(precision: str | None) -> str:
    """The precision to compute in: the one named, or that of Keras's global dtype policy.

    Raises:
        UnknownNameError: If it is none of `POLICIES`.
    """
    chosen = keras.config.dtype_policy().name.removeprefix("mixed_") if precision is None else precision
    if chosen not in POLICIES:
        raise UnknownNameError.of("precision", chosen, POLICIES)
    return chosen

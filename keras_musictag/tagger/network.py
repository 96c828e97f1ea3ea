"""The network of a tagger: waveform -> front end -> body -> head, as a functional graph."""

import keras

from keras_musictag import architectures, frontends
from keras_musictag.errors import UnknownNameError
from keras_musictag.layers import spec_augment  # noqa: F401 - registers the layer with Keras: saved taggers may hold one
from keras_musictag.layers.keras_settings import dtype_policy, own_settings
from keras_musictag.tagger.spec import TaggerSpec

HEAD = ("head_dropout", "logits", "scores")  # the layers after the body, the same for every architecture
# Precision of a network -> Keras's dtype policy; weights, front end and head are float32 in each
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
        implementation: Of the front end: "kapre", "portable", or None for the one that suits the backend.
        precision: "float32", "bfloat16" or "float16"; None for Keras's global dtype policy.
        augment: A layer between front end and body, such as `SpecAugment`; it acts only in training.

    Returns:
        `(inputs, outputs)`: float32 (batch, chunk_samples), and float32 (batch, tags): scores, or logits without
        a classifier activation; without a head, (batch, features).
    """
    policy = POLICIES[choose_precision(precision)]
    with own_settings():
        return _connect(spec, implementation, policy, augment)


def _connect(spec, implementation, policy, augment):
    architecture = architectures.get(spec.architecture)
    frontend = frontends.get(frontends.name_of(spec.frontend_config))
    inputs = keras.Input((spec.chunking.chunk_samples,), dtype="float32", name="waveform")
    x = frontend.apply(inputs, spec.frontend_config, frontends.choose_implementation(implementation))
    x = x if augment is None else augment(x)
    with dtype_policy(policy):
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
    """Chooses the precision to compute in: the given one, or that of Keras's global dtype policy.

    A policy that only follows `floatx`, which an old `keras.json` may set, does not count: the result is "float32".

    Raises:
        UnknownNameError: If it is not a key of `POLICIES`.
        ValueError: If Keras's global dtype policy does not match any of them.
    """
    if precision is not None:
        if precision not in POLICIES:
            raise UnknownNameError.of("precision", precision, POLICIES)
        return precision
    policy = keras.config.dtype_policy().name
    chosen = "float32" if policy == keras.config.floatx() else policy.removeprefix("mixed_")
    if chosen not in POLICIES:
        raise ValueError(
            f"A tagger computes in {', '.join(POLICIES)}, but Keras's global dtype policy is {policy!r}. Pass "
            "precision='float32', or call keras.config.set_dtype_policy('float32') first."
        )
    return chosen

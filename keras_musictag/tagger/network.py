"""The network of a tagger: waveform -> front end -> body -> head, as a functional graph."""

import keras

from keras_musictag import architectures, frontends
from keras_musictag.tagger.spec import TaggerSpec

HEAD = ("head_dropout", "logits", "scores")  # the layers behind the body, the same for every architecture


def connect(spec: TaggerSpec, implementation: str | None = None):
    """Builds the graph.

    Args:
        spec: What to build.
        implementation: Of the front end: "kapre", "portable", or None for what suits the backend.

    Returns:
        `(inputs, outputs)`: float32 (batch, chunk_samples), and (batch, tags): scores, or logits without
        a classifier activation; float32 under every dtype policy.
    """
    architecture = architectures.get(spec.architecture)
    frontend = frontends.get(frontends.name_of(spec.frontend_config))
    inputs = keras.Input((spec.chunking.chunk_samples,), dtype="float32", name="waveform")
    x = frontend.apply(inputs, spec.frontend_config, frontends.choose_implementation(implementation))
    x = architecture.body(x, spec.config)
    dropout, logits, scores = HEAD
    x = keras.layers.Dropout(spec.config.dropout, name=dropout)(x)
    x = keras.layers.Dense(len(spec.vocabulary), dtype="float32", name=logits)(x)
    if spec.classifier_activation is not None:
        x = keras.layers.Activation(spec.classifier_activation, dtype="float32", name=scores)(x)
    return inputs, x

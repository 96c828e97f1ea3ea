"""Networks with random weights whose scores say something: normalisations fit the features that they get."""

import keras
import numpy as np

from keras_musictag.exporting.signals import Expected, signals
from keras_musictag.tagger import Tagger, TaggerSpec


def random_tagger(name: str, chunk_seconds: float | None = None, config=None) -> Tagger:
    """A tagger with 20 tags; features in dB lie around -40 with a deviation of 20, as those of music do."""
    keras.utils.set_random_seed(1)
    spec = TaggerSpec.of(name, [f"tag{i}" for i in range(20)], config)
    tagger = Tagger(spec if chunk_seconds is None else spec.with_chunk_seconds(chunk_seconds))
    random = np.random.default_rng(0)
    for layer in tagger.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.gamma.shape
            decibels = layer.name == "input_norm"
            layer.moving_mean.assign(np.full(size, -40) if decibels else random.normal(0, 0.1, size))
            layer.moving_variance.assign(np.full(size, 400) if decibels else random.uniform(0.5, 1.5, size))
    return tagger


def some_music(tagger: Tagger) -> Expected:
    """Three chunks of the demo clip and what Keras says of them."""
    chunks = signals(tagger)["music"][:3]
    return Expected(chunks, tagger.runner()(chunks), tagger.runner(tagger.embedding_layer)(chunks))

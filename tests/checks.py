"""Checks that every model must pass. `test_every_model.py` runs them on every architecture."""

import keras
import numpy as np

from keras_musictag.tagger import Tagger


def signals(num_samples: int, sample_rate_hz: int = 16000) -> np.ndarray:
    """Two waveforms (2, samples), float32 on a 16-bit grid, always the same: a chirp in noise, and decaying notes."""
    noise = np.random.RandomState(0).standard_normal((2, num_samples))
    seconds = np.arange(num_samples) / sample_rate_hz
    chirp = 0.4 * np.sin(2 * np.pi * (60 * seconds + 900 * seconds**2 / 2)) + 0.02 * noise[0]
    age = seconds % 0.4
    pitch_hz = 55 * 2 ** ((7 * (seconds // 0.4) % 48) / 12)
    notes = sum(np.sin(2 * np.pi * h * pitch_hz * age) / h for h in range(1, 7)) * np.exp(-age / 0.15)
    both = np.stack([chirp, 0.25 * notes + 0.004 * noise[1]])
    return (np.round(np.clip(both, -0.999, 0.999) * 32768) / 32768).astype(np.float32)


def check_shape_and_dtype(tagger: Tagger) -> None:
    scores = tagger.runner()(signals(tagger.spec.chunking.chunk_samples))
    assert scores.shape == (2, len(tagger.vocabulary))
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()


def check_finite_on_extremes(tagger: Tagger) -> None:
    """Silence (the logarithm's floor), full scale, clipped noise and a single click."""
    length = tagger.spec.chunking.chunk_samples
    noise = np.sign(np.random.RandomState(1).standard_normal(length))
    click = np.zeros(length)
    click[length // 2] = 1
    batch = np.stack([np.zeros(length), np.ones(length), noise, click]).astype(np.float32)
    assert np.isfinite(tagger.runner()(batch)).all()


def check_no_influence_of_batchmates(tagger: Tagger, tolerance: float = 2e-6) -> None:
    """A chunk has the same scores alone, with loud or silent batch mates, and in another order.

    The tolerance allows for float32 sums in another order, which depends on the batch size.
    """
    run = tagger.runner()
    quiet, loud = signals(tagger.spec.chunking.chunk_samples) * np.float32([[0.01], [1.0]])
    alone = run(quiet[None])[0]
    silence = np.zeros_like(quiet)
    for mates in ([quiet, loud], [loud, silence, quiet], [silence, quiet]):
        position = next(i for i, mate in enumerate(mates) if mate is quiet)
        np.testing.assert_allclose(run(np.stack(mates))[position], alone, rtol=0, atol=tolerance)


def check_save_and_load(tagger: Tagger, folder) -> None:
    """A `.keras` file gives bit-equal scores and an equal spec."""
    path = folder / "model.keras"
    tagger.save(path)
    again = keras.saving.load_model(path)
    assert isinstance(again, Tagger)
    assert again.spec == tagger.spec
    batch = signals(tagger.spec.chunking.chunk_samples)
    np.testing.assert_array_equal(again(batch, training=False), tagger(batch, training=False))


def check_learns(tagger: Tagger) -> None:
    """The loss falls within three steps, and every trainable weight changes.

    The gradient is a graph, as in `fit`. The optimiser is not part of it: compiling both takes several times as long.
    """
    import tensorflow as tf

    batch = signals(tagger.spec.chunking.chunk_samples)
    labels = np.eye(2, len(tagger.vocabulary), dtype=np.float32)
    weights = tagger.trainable_weights
    before = [np.array(w) for w in weights]
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(weights)

    signature = [tf.TensorSpec((None, array.shape[1]), tf.float32) for array in (batch, labels)]

    @tf.function(input_signature=signature, autograph=False)
    def gradient(inputs, targets):
        with tf.GradientTape() as tape:
            scores = tagger(inputs, training=True)
            loss = keras.ops.mean(keras.losses.binary_crossentropy(targets, scores))
        return loss, tape.gradient(loss, [w.value for w in weights])

    losses = []  # of the batch, before each step
    while len(losses) < 4 and not (losses and losses[-1] < losses[0]):
        loss, gradients = gradient(batch, labels)
        optimizer.apply(gradients, weights)
        losses.append(float(loss))
    assert losses[-1] < losses[0]
    still = [w.path for w, old in zip(weights, before, strict=True) if (np.array(w) == old).all()]
    assert not still


def check_layer_names(tagger: Tagger) -> None:
    """Layer names are unique and not counted: two models built in one process have the same names."""
    names = [layer.name for layer in tagger.layers]
    assert len(set(names)) == len(names)
    assert names == [layer.name for layer in Tagger(tagger.spec).layers]
    paths = [weight.path for weight in tagger.weights]
    assert len(set(paths)) == len(paths)
    assert all(path.split("/")[0] in names for path in paths)


def check_embedding(tagger: Tagger) -> None:
    """The penultimate layer gives one vector per chunk, and the logits depend on it alone."""
    batch = signals(tagger.spec.chunking.chunk_samples)
    layers = [tagger.get_layer(name).output for name in (tagger.embedding_layer, "logits")]
    embedding, logits = (np.array(x) for x in keras.Model(tagger.inputs[0], layers)(batch, training=False))
    assert embedding.ndim == 2
    kernel, bias = (np.array(w) for w in tagger.get_layer("logits").weights)
    # tolerance: the same float32 product, summed in another order
    np.testing.assert_allclose(embedding @ kernel + bias, logits, rtol=1e-4, atol=1e-4)

"""How well a network does on the validation part, by the same chunks in every epoch."""

from collections.abc import Callable, Iterable

import keras
import numpy as np

from keras_musictag.tagger import Tagger

Score = Callable[[np.ndarray], np.ndarray]


def make_scorer(model: Tagger) -> Score:
    """A compiled function of the network as it is at each call; `Tagger.runner` folds the weights of one moment."""
    if keras.backend.backend() != "tensorflow":
        return lambda batch: keras.ops.convert_to_numpy(model.predict_on_batch(batch))
    import tensorflow as tf

    signature = [tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32)]
    run = tf.function(lambda batch: tf.cast(model(batch, training=False), tf.float32), input_signature=signature)
    return lambda batch: run(batch).numpy()


def mean_loss(targets: np.ndarray, scores: np.ndarray) -> float:
    """Binary cross-entropy, mean over chunks and tags, as `keras.losses.BinaryCrossentropy` has it (clipped at 1e-7).

    Example:
        >>> round(mean_loss(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])), 4)
        0.6931
    """
    scores = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    return float(-np.mean(targets * np.log(scores) + (1 - targets) * np.log(1 - scores)))


def score_chunks(score: Score, batches: Iterable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores all batches of an evaluation pipeline.

    Returns:
        Float32 (chunks, tags) scores and targets, and int64 (chunks,) track indices.
    """
    scores, targets, tracks = [], [], []
    for chunks, labels, indices in batches:
        scores.append(score(chunks))
        targets.append(np.asarray(labels))
        tracks.append(np.asarray(indices))
    return np.concatenate(scores), np.concatenate(targets), np.concatenate(tracks)

"""How near a student comes to its teachers, on the same chunks of the validation part after each epoch."""

from collections.abc import Callable

import keras
import numpy as np
from scipy.stats import rankdata

from keras_musictag.records.evaluation_batches import EvaluationBatches
from keras_musictag.tagger import Tagger
from keras_musictag.training.batches import Feed, mean_loss, score_chunks, validation_batches


def divergence(targets: np.ndarray, scores: np.ndarray) -> float:
    """Kullback-Leibler divergence of two-valued distributions, in nats, mean over chunks and tags.

    Args:
        targets: Float (chunks, tags), the teachers' scores.
        scores: Float (chunks, tags), the student's.

    Returns:
        0 or more; 0 where both are equal.

    Example:
        >>> round(divergence(np.array([[0.5]]), np.array([[0.25]])), 4)  # 0.5 ln 2 + 0.5 ln (2/3)
        0.1438
    """
    targets = np.clip(targets.astype(np.float64), 1e-7, 1 - 1e-7)
    return mean_loss(targets, scores) - mean_loss(targets, targets)


def rank_correlation(targets: np.ndarray, scores: np.ndarray) -> float:
    """Spearman's rank correlation over chunks, mean over tags; tags with equal scores everywhere are left out.

    Args:
        targets: Float (chunks, tags), the teachers' scores.
        scores: Float (chunks, tags), the student's.

    Returns:
        From -1 to 1; NaN where no tag has different scores.

    Example:
        >>> rank_correlation(np.array([[0.1, 1], [0.2, 1], [0.9, 1]]), np.array([[0.5, 0], [0.6, 1], [0.7, 2]]))
        1.0
    """
    ranks = [rankdata(values, axis=0) for values in (targets, scores)]
    first, second = (values - values.mean(axis=0) for values in ranks)
    norms = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    moving = norms > 0
    return float(((first * second).sum(axis=0)[moving] / norms[moving]).mean()) if moving.any() else float("nan")


def make_fidelity(feed: Feed, student: Tagger, teach: Callable) -> Callable[[], dict[str, float]]:
    """A function that compares the student, as it is when called, with the teachers.

    Args:
        feed: Of the run.
        student: The tagger that is kept.
        teach: Crops -> logits and embeddings, as `teachers.Function`.
    """
    score, batches = student.runner(), validation_batches(feed, student)
    heard: list[np.ndarray] = []  # the teachers say the same in each epoch

    def measure() -> dict[str, float]:
        if not heard:
            heard.append(_teachers_scores(teach, batches))
        scores, _, _ = score_chunks(score, batches)
        loss = mean_loss(heard[0], scores)
        return {
            "val_loss": loss,
            "val_kl": divergence(heard[0], scores),
            "val_rank_correlation": rank_correlation(heard[0], scores) if np.isfinite(loss) else float("nan"),
        }

    return measure


def _teachers_scores(teach: Callable, batches: EvaluationBatches) -> np.ndarray:
    import tensorflow as tf

    signature = [tf.TensorSpec((None, batches.chunk_samples), tf.float32)]
    run = tf.function(lambda chunks: keras.ops.sigmoid(teach(chunks)[0]), input_signature=signature)
    return np.concatenate([run(chunks).numpy() for chunks, _, _ in batches])

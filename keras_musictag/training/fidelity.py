"""How close a student is to its teachers, measured on the same chunks of the validation part after each epoch."""

from collections.abc import Callable

import keras
import numpy as np
from scipy.stats import rankdata

from keras_musictag.records.evaluation_batches import EvaluationBatches
from keras_musictag.tagger import Tagger
from keras_musictag.training.batches import Feed, mean_loss, score_chunks, validation_batches


def divergence(targets: np.ndarray, scores: np.ndarray) -> float:
    """Kullback-Leibler divergence of binary distributions, in nats, mean over chunks and tags.

    Args:
        targets: Float (chunks, tags), the teachers' scores.
        scores: Float (chunks, tags), the student's.

    Returns:
        A number of 0 or more; 0 if all scores are equal.

    Example:
        >>> round(divergence(np.array([[0.5]]), np.array([[0.25]])), 4)  # 0.5 ln 2 + 0.5 ln (2/3)
        0.1438
    """
    targets = np.clip(targets.astype(np.float64), 1e-7, 1 - 1e-7)
    return mean_loss(targets, scores) - mean_loss(targets, targets)


def rank_correlation(targets: np.ndarray, scores: np.ndarray) -> float:
    """Spearman's rank correlation over chunks, mean over tags; tags with constant scores are left out.

    Args:
        targets: Float (chunks, tags), the teachers' scores.
        scores: Float (chunks, tags), the student's.

    Returns:
        A number from -1 to 1; NaN if all tags have constant scores.

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
    """Makes a function that compares the student's current weights with the teachers.

    Args:
        feed: The batches of the run.
        student: The tagger that is saved at the end.
        teach: A function of crops that returns logits and embeddings, such as `teachers.TeacherFunction`.
    """
    score, batches = student.runner(), validation_batches(feed, student)
    teachers_scores: list[np.ndarray] = []  # computed once: they are the same in each epoch

    def measure() -> dict[str, float]:
        if not teachers_scores:
            teachers_scores.append(_teachers_scores(teach, batches))
        scores, _, _ = score_chunks(score, batches)
        loss = mean_loss(teachers_scores[0], scores)
        return {
            "val_loss": loss,
            "val_kl": divergence(teachers_scores[0], scores),
            "val_rank_correlation": rank_correlation(teachers_scores[0], scores) if np.isfinite(loss) else float("nan"),
        }

    return measure


def _teachers_scores(teach: Callable, batches: EvaluationBatches) -> np.ndarray:
    import tensorflow as tf

    signature = [tf.TensorSpec((None, batches.chunk_samples), tf.float32)]
    run = tf.function(lambda chunks: keras.ops.sigmoid(teach(chunks)[0]), input_signature=signature)
    return np.concatenate([run(chunks).numpy() for chunks, _, _ in batches])

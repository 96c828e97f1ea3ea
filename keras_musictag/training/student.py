"""A student: a network that learns the teachers' outputs for each batch, and a moving average of its weights.

Source: Beyer et al., "Knowledge distillation: a good teacher is patient and consistent", CVPR 2022 (arXiv 2106.05237):
teacher and student get exactly the same altered crop, for a long time. TensorFlow only.
"""

import keras
import tensorflow as tf

from keras_musictag.tagger import Tagger
from keras_musictag.tagger.network import HEAD
from keras_musictag.training.recipe import Teaching
from keras_musictag.training.teachers import TeacherFunction

# an embedding may be almost always 0, with a tiny deviation: its rare other values must not dominate the loss
LEAST_SHARE, LARGEST = 0.05, 10.0
LEAST_LOGIT_DEVIATION = 0.1


class Student(keras.Model):
    """The model that `fit` trains, on batches of `(crops, anything)`.

    The dropout of the head is left out: no crop occurs twice, and dropped features would only blur the outputs.

    Args:
        tagger: The network that learns; the student shares its weights.
        average: A tagger of equal weights, which becomes their moving average, with the normalisation statistics.
        teachers: The teachers' outputs for crops.
        settings: Weights of the losses and other settings.
    """

    def __init__(self, tagger: Tagger, average: Tagger, teachers: TeacherFunction, settings: Teaching):
        super().__init__(name="student")
        embedding = tagger.get_layer(tagger.embedding_layer).output
        logits = tagger.get_layer(HEAD[1])(embedding)
        self.network = keras.Model(tagger.inputs[0], [logits, embedding], name="network")
        self.average = average
        self.average.trainable = False
        features = sum(teachers.num_features)
        self.guess = keras.layers.Dense(features, dtype="float32", name="guess")
        self.guess.build(embedding.shape)
        self.logit_statistics = Statistics(len(tagger.vocabulary), name="logit_statistics")
        self.embedding_statistics = Statistics(features, name="embedding_statistics")
        self.steps = self.add_weight(shape=(), dtype="int64", initializer="zeros", trainable=False, name="steps")
        self.settings = settings
        self.built = True
        averaged = {variable.path: variable for variable in average.weights}
        # hidden from Keras's tracking: the teachers are not part of this model, and the pairs are tracked already
        object.__setattr__(self, "teach", lambda crops: teachers(crops))
        object.__setattr__(self, "_pairs", [(averaged[variable.path], variable) for variable in tagger.weights])
        object.__setattr__(self, "_widths", teachers.num_features)

    def call(self, crops, training=False):
        logits, embedding = self.network(crops, training=training)
        return logits, self.guess(embedding)

    def train_step(self, data):
        crops = data[0]
        logits, embeddings = self.teach(crops)
        measuring = self.steps < self.settings.statistics_steps
        self.logit_statistics.update(logits, measuring)
        self.embedding_statistics.update(embeddings, measuring)
        logs = super().train_step((crops, (logits, embeddings)))
        self._follow()
        return logs

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        (wanted, embeddings), (logits, guess) = y, y_pred
        weights = self.settings
        deviation = tf.maximum(self.logit_statistics.deviation(), LEAST_LOGIT_DEVIATION)
        standard = standardised(embeddings, self.embedding_statistics, self._widths)
        return (
            weights.logits * huber((logits - wanted) / deviation)
            + weights.embeddings * tf.reduce_mean(tf.square(guess - standard))
            + weights.labels * cross_entropy(wanted, logits)
        )

    def _follow(self) -> None:
        """Updates the moving average. Its decay grows up to `average`, so that initial weights soon lose influence."""
        step = tf.cast(self.steps, tf.float32)
        share = tf.minimum(self.settings.average, (1.0 + step) / (10.0 + step))
        for average, variable in self._pairs:
            average.assign(average + (1.0 - share) * (variable - average))
        self.steps.assign_add(1)


class Statistics(keras.layers.Layer):
    """Mean and standard deviation of columns over all rows so far. Not part of the gradient."""

    def __init__(self, columns: int, name: str):
        super().__init__(name=name, dtype="float32")
        options = {"initializer": "zeros", "trainable": False}
        self.count = self.add_weight(shape=(), name="count", **options)
        self.mean = self.add_weight(shape=(columns,), name="mean", **options)
        self.squares = self.add_weight(shape=(columns,), name="squares", **options)
        self.built = True

    def update(self, rows, measuring) -> None:
        """Adds a batch if `measuring` is true.

        Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances".
        """
        own = tf.cast(tf.shape(rows)[0], tf.float32) * tf.cast(measuring, tf.float32)
        mean = tf.reduce_mean(rows, axis=0)
        squares = tf.reduce_mean(tf.square(rows - mean), axis=0) * own
        count = self.count + own
        step = mean - self.mean
        self.squares.assign_add(squares + tf.square(step) * self.count * own / count)
        self.mean.assign_add(step * own / count)
        self.count.assign(count)

    def deviation(self):
        """Float32 (columns,): the standard deviation so far."""
        return tf.sqrt(self.squares / tf.maximum(self.count, 1.0))


def standardised(embeddings, statistics: Statistics, widths):
    """Embeddings in units of the standard deviations of their columns, clipped to `LARGEST`.

    The deviation of a nearly constant column is taken as `LEAST_SHARE` of the root mean square of its teacher's
    deviations.
    """
    parts = []
    for deviation in tf.split(statistics.deviation(), widths):
        least = LEAST_SHARE * tf.sqrt(tf.reduce_mean(tf.square(deviation))) + 1e-6
        parts.append(tf.maximum(deviation, least))
    return tf.clip_by_value((embeddings - statistics.mean) / tf.concat(parts, axis=0), -LARGEST, LARGEST)


def huber(errors):
    """Huber loss: mean of half the square up to 1, and of the distance minus a half beyond."""
    size = tf.abs(errors)
    return tf.reduce_mean(tf.where(size <= 1.0, 0.5 * tf.square(size), size - 0.5))


def cross_entropy(wanted, logits):
    """Binary cross-entropy with the sigmoid of `wanted` as labels, mean over rows and tags."""
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(tf.sigmoid(wanted), logits))

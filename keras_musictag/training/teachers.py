"""Teachers: trained taggers with the same tags, and their outputs for audio, in TensorFlow's graph."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import keras

from keras_musictag.errors import TrainingError
from keras_musictag.tagger import Tagger
from keras_musictag.tagger.fold import fold_normalisation
from keras_musictag.tagger.network import HEAD
from keras_musictag.tags.vocabulary import Vocabulary
from keras_musictag.zoo.loading import load
from keras_musictag.zoo.weights import arrays_of


@dataclass(frozen=True, eq=False)
class Teachers:
    """Taggers that teach together.

    Attributes:
        taggers: At least one; all have the tags of the first, in any order.
        facts: Name and SHA-256 of the weights of each, which must not change when a run resumes.

    Raises:
        TrainingError: If the tags differ.
    """

    taggers: tuple[Tagger, ...]
    facts: tuple[dict[str, str], ...]

    def __post_init__(self):
        for tagger, fact in zip(self.taggers, self.facts, strict=True):
            _check_tags(tagger, fact["model"], self.vocabulary, self.facts[0]["model"])

    @property
    def vocabulary(self) -> Vocabulary:
        """The tags, in the order of the first teacher."""
        return self.taggers[0].vocabulary

    def function(self, crop_samples: int) -> "TeacherFunction":
        """Makes the function of all teachers for crops of the given length.

        Raises:
            TrainingError: If a teacher needs more audio than that.
        """
        for tagger, fact in zip(self.taggers, self.facts, strict=True):
            if tagger.spec.chunking.chunk_samples > crop_samples:
                raise TrainingError(
                    f"The teacher {fact['model']!r} needs {tagger.chunk_seconds:g} s of audio, and the student takes "
                    f"{crop_samples / tagger.sample_rate:g} s: choose another teacher, or a longer student."
                )
        orders = [[tagger.vocabulary.index(tag) for tag in self.vocabulary] for tagger in self.taggers]
        return TeacherFunction(
            [_Teacher(tagger, crop_samples, order) for tagger, order in zip(self.taggers, orders, strict=True)]
        )


class TeacherFunction:
    """Crops -> the teachers' outputs. Not a Keras layer, so that no model tracks the teachers as its own."""

    def __init__(self, teachers: list["_Teacher"]):
        self._teachers = teachers
        self.num_features = tuple(teacher.num_features for teacher in teachers)

    def __call__(self, crops) -> tuple[Any, Any]:
        """Computes the outputs for a batch.

        Args:
            crops: Float32 (batch, crop_samples).

        Returns:
            `(logits, embeddings)`: float32 (batch, tags), the mean over the teachers, and float32 (batch, features),
            all teachers' features side by side.
        """
        import tensorflow as tf

        outputs = [teacher(crops) for teacher in self._teachers]
        logits = tf.add_n([logits for logits, _ in outputs]) / len(outputs)
        return logits, tf.concat([embedding for _, embedding in outputs], axis=-1)


class _Teacher:
    """One teacher. It takes the middle of a crop that is longer than its chunk: as many whole chunks as fit."""

    def __init__(self, tagger: Tagger, crop_samples: int, order: list[int]):
        outputs = [tagger.get_layer(HEAD[1]).output, tagger.get_layer(tagger.embedding_layer).output]
        self._network = fold_normalisation(keras.Model(tagger.inputs[0], outputs))
        self._order = order
        self.num_features = outputs[1].shape[-1]
        self._chunk_samples = tagger.spec.chunking.chunk_samples
        self._windows = crop_samples // self._chunk_samples
        self._start = (crop_samples - self._windows * self._chunk_samples) // 2

    def __call__(self, crops):
        import tensorflow as tf

        middle = crops[:, self._start : self._start + self._windows * self._chunk_samples]
        outputs = self._network(tf.reshape(middle, [-1, self._chunk_samples]), training=False)
        logits, embedding = (tf.cast(output, tf.float32) for output in outputs)
        logits = tf.gather(logits, self._order, axis=1)
        return tuple(self._mean_over_windows(values) for values in (logits, embedding))

    def _mean_over_windows(self, values):
        import tensorflow as tf

        if self._windows == 1:
            return values
        return tf.reduce_mean(tf.reshape(values, [-1, self._windows, values.shape[-1]]), axis=1)


def load_teachers(models: Sequence[str | PathLike], precision: str = "float32") -> Teachers:
    """Loads the teachers.

    Args:
        models: Models for `load`: names, entries, folders, `.keras` files.
        precision: "float32" or "bfloat16".

    Raises:
        TrainingError: If one has no tags, their tags differ, or Keras does not run on TensorFlow.
        UnknownNameError: If a name is unknown.
        FileNotFoundError: If a path does not exist.
    """
    if keras.backend.backend() != "tensorflow":
        raise TrainingError(
            f"Teachers need TensorFlow, but Keras runs on {keras.backend.backend()!r}. Set KERAS_BACKEND=tensorflow."
        )
    taggers = tuple(load(model, precision=precision) for model in models)
    for tagger, model in zip(taggers, models, strict=True):
        if tagger.vocabulary is None:
            raise TrainingError(f"The teacher {str(model)!r} has no tags. Choose a tagger with a head.")
    facts = ({"model": str(model), "sha256": _hash(tagger)} for tagger, model in zip(taggers, models, strict=True))
    return Teachers(taggers, tuple(facts))


def _check_tags(tagger: Tagger, name: str, wanted: Vocabulary, first: str) -> None:
    missing = [tag for tag in wanted if tag not in tagger.vocabulary]
    extra = [tag for tag in tagger.vocabulary if tag not in wanted]
    if missing or extra:
        what = f"has no tag {missing[0]!r}" if missing else f"has the extra tag {extra[0]!r}"
        raise TrainingError(
            f"All teachers must have the same tags. {name!r} ({len(tagger.vocabulary)} tags) {what}, unlike {first!r} "
            f"({len(wanted)} tags). Choose teachers that were trained on the same dataset, such as MTAT."
        )


def _hash(tagger: Tagger) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays_of(tagger).items()):
        digest.update(name.encode())
        digest.update(array.tobytes())
    return digest.hexdigest()

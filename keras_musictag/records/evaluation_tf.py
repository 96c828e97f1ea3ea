"""tf.data: the chunks of an evaluation, every track complete, in order."""

import tensorflow as tf

from keras_musictag.records.evaluation import EvaluationBatches
from keras_musictag.records.folder import Records


def evaluation_pipeline(
    records: Records,
    part: str = "test",
    *,
    chunk_samples: int,
    batch_size: int,
    chunks: int = 16,
    hop_samples: int | None = None,
    with_track_index: bool = True,
) -> tf.data.Dataset:
    """The chunks of a part, with the track that each is of.

    Args:
        records: An open folder of records.
        part: "train", "valid" or "test".
        chunk_samples: Length of a chunk, samples. Shorter tracks are filled up with zeros.
        batch_size: Chunks in a batch; the last one may be smaller.
        chunks: Chunks of each track, spread as in the 2020 evaluation (`crops.spread_starts`).
        hop_samples: Instead of `chunks`, from one chunk to the next: the whole track is heard (`crops.cover_starts`).
        with_track_index: False leaves the third element out, as `validation_data` of Keras needs it, which takes a
            third element for weights.

    Returns:
        A dataset of `(chunks, labels, track_index)`: float32 (batch, chunk_samples), float32 (batch, tags) and int64
        (batch,). `evaluation.average_by_track` puts a model's scores together.

    Raises:
        ValueError: If a number is below 1, or the part has no tracks.
        UnknownNameError: If there is no such part.

    Example:
        `docs/pipelines.md` has runnable ones.
    """
    batches = EvaluationBatches(
        records, part, chunk_samples=chunk_samples, batch_size=batch_size, chunks=chunks, hop_samples=hop_samples
    )

    def read(index):
        chunks, labels, track_index = tf.numpy_function(
            lambda i: batches[int(i)], [index], (tf.float32, tf.float32, tf.int64), stateful=False
        )
        chunks = tf.ensure_shape(chunks, (None, chunk_samples))
        labels = tf.ensure_shape(labels, (None, len(records.vocabulary)))
        track_index = tf.ensure_shape(track_index, (None,))
        return (chunks, labels, track_index) if with_track_index else (chunks, labels)

    # in order, one at a time: batches share tracks. Reading is far quicker than any network
    return tf.data.Dataset.range(len(batches)).map(read).prefetch(2)

"""Tracks -> chunks -> scores on a TensorFlow graph: what `audio.chunk.cut` does with tail="anchor", for servers."""

from collections.abc import Callable

import tensorflow as tf

from keras_musictag.audio.chunk import Chunking
from keras_musictag.tagger.track import BATCH_SECONDS


def score_tracks(
    score: Callable[[tf.Tensor], tf.Tensor], num_tags: int, tracks: tf.RaggedTensor, chunking: Chunking
) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Scores each chunk of each track; the memory in use does not grow with the tracks, beside that of their samples.

    Args:
        score: From float32 (chunks, chunk_samples) to float32 (chunks, num_tags).
        num_tags: How many it gives.
        tracks: Float32 (tracks, samples), each of at least one sample at the chunking's rate.
        chunking: How the network hears a track.

    Returns:
        `(scores, starts)`: ragged float32 (tracks, chunks, tags), and ragged int64 (tracks, chunks): where each
        chunk starts in the padded track; see `spans`.
    """
    lengths = tf.cast(tracks.row_lengths(), tf.int64)
    context = tf.fill(tf.shape(lengths), tf.constant(chunking.context_samples, tf.int64))
    missing = tf.maximum(chunking.chunk_samples - lengths - 2 * context, 0)  # of a track shorter than a chunk
    padded = tf.concat([_zeros(context), tracks, _zeros(context + missing)], axis=1)
    starts = chunk_starts(lengths, chunking)
    positions = (starts + tf.cast(padded.row_starts(), tf.int64)[:, None]).values
    return starts.with_values(_in_batches(score, num_tags, padded.values, positions, chunking)), starts


def chunk_starts(lengths: tf.Tensor, chunking: Chunking) -> tf.RaggedTensor:
    """Where the chunks of tracks start, as in `audio.chunk.cut`.

    Args:
        lengths: Int64 (tracks,), samples of each track.
        chunking: How the network hears a track.

    Returns:
        Ragged int64 (tracks, chunks), in samples of the padded track.

    Example:
        >>> chunking = Chunking(chunk_samples=4, hop_samples=4)
        >>> chunk_starts(tf.constant([3, 6, 8], tf.int64), chunking).to_list()
        [[0], [0, 2], [0, 4]]
    """
    size, hop, context = chunking.chunk_samples, chunking.hop_samples, chunking.context_samples
    ends = lengths + 2 * context
    count = tf.maximum(ends - size, 0) // hop + 1
    unheard = (count - 1) * hop + size < ends - context  # the context at the end holds no music
    anchored = tf.RaggedTensor.from_row_lengths(tf.boolean_mask(ends - size, unheard), tf.cast(unheard, tf.int64))
    return tf.concat([tf.ragged.range(tf.zeros_like(count), count * hop, hop), anchored], axis=1)


def spans(starts: tf.Tensor, length: tf.Tensor, chunking: Chunking) -> tuple[tf.Tensor, tf.Tensor]:
    """The part of a track that each chunk hears, as `Chunking.span_seconds`.

    Args:
        starts: Int64 (chunks,).
        length: Int64 scalar, samples of the track.
        chunking: How the network hears a track.

    Returns:
        `(start_seconds, end_seconds)`, float64 (chunks,).
    """
    begin = starts - chunking.context_samples
    end = tf.minimum(begin + chunking.chunk_samples, length)
    rate_hz = tf.constant(chunking.sample_rate_hz, tf.float64)
    return tf.cast(tf.maximum(begin, 0), tf.float64) / rate_hz, tf.cast(end, tf.float64) / rate_hz


def _zeros(lengths: tf.Tensor) -> tf.RaggedTensor:
    return tf.RaggedTensor.from_row_lengths(tf.zeros([tf.reduce_sum(lengths)]), lengths)


def _in_batches(score, num_tags: int, samples: tf.Tensor, positions: tf.Tensor, chunking: Chunking) -> tf.Tensor:
    """Scores the chunks at some positions, a few at a time."""
    at_once = max(1, round(BATCH_SECONDS * chunking.sample_rate_hz / chunking.chunk_samples))
    batches = -(-tf.size(positions) // at_once)
    offsets = tf.range(chunking.chunk_samples, dtype=tf.int64)

    def body(index, found):
        some = positions[index * at_once : (index + 1) * at_once]
        chunks = tf.gather(samples, some[:, None] + offsets)
        return index + 1, found.write(index, score(chunks))

    found = tf.TensorArray(tf.float32, size=batches, element_shape=[None, num_tags], infer_shape=False)
    _, found = tf.while_loop(lambda index, _: index < batches, body, [0, found], parallel_iterations=1)
    return tf.ensure_shape(found.concat(), [None, num_tags])

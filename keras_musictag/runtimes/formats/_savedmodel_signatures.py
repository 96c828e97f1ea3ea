"""The signatures of a SavedModel, which clients of a server call, in TensorFlow operations only.

| signature | input | outputs | batched |
| --- | --- | --- | --- |
| `serving_default` | `waveform` float32 (batch, chunk_samples) | `scores` (batch, tags) | yes |
| `embed` | `waveform` float32 (batch, chunk_samples) | `embedding` (batch, features) | yes |
| `wav_bytes` | `wav_bytes` string (batch,) | `scores` (batch, tags), of whole tracks | yes |
| `taggram` | `waveform` float32 (samples,) | `scores` (chunks, tags), `start_seconds`, `end_seconds` | no |
| `tags` | `group` string () | `tags`, `groups`, `indices` | no |

A server joins requests on the first axis of every input and output, so it can join those of the first three.

Whole tracks are cut into chunks on the graph as by `audio.chunking.cut` with tail="anchor": see `score_tracks`.
"""

import math
from collections.abc import Callable

import keras
import tensorflow as tf

from keras_musictag.audio.chunking import Chunking
from keras_musictag.audio.samples import MAX_PEAK
from keras_musictag.runtimes.formats._savedmodel_wav import decode_wav
from keras_musictag.tagger.track import BATCH_SECONDS
from keras_musictag.tags.vocabulary import Vocabulary


def score_tracks(
    score: Callable[[tf.Tensor], tf.Tensor], num_tags: int, tracks: tf.RaggedTensor, chunking: Chunking
) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Scores each chunk of each track. Memory does not grow with the length of the tracks, except for their samples.

    Args:
        score: From float32 (chunks, chunk_samples) to float32 (chunks, num_tags).
        num_tags: The number of tags.
        tracks: Float32 (tracks, samples), each of at least one sample at the chunking's rate.
        chunking: How a track is cut into chunks.

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
    """Computes where the chunks of tracks start, as in `audio.chunking.cut`.

    Args:
        lengths: Int64 (tracks,), number of samples of each track.
        chunking: How a track is cut into chunks.

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
    uncovered = (count - 1) * hop + size < ends - context  # the context at the end holds no music
    anchored = tf.RaggedTensor.from_row_lengths(tf.boolean_mask(ends - size, uncovered), tf.cast(uncovered, tf.int64))
    return tf.concat([tf.ragged.range(tf.zeros_like(count), count * hop, hop), anchored], axis=1)


def spans(starts: tf.Tensor, length: tf.Tensor, chunking: Chunking) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes the part of a track that each chunk covers, as `Chunking.span_seconds`.

    Args:
        starts: Int64 (chunks,).
        length: Int64 scalar, number of samples of the track.
        chunking: How a track is cut into chunks.

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
    """Scores the chunks at the given positions, a few at a time."""
    at_once = max(1, round(BATCH_SECONDS * chunking.sample_rate_hz / chunking.chunk_samples))
    batches = -(-tf.size(positions) // at_once)
    offsets = tf.range(chunking.chunk_samples, dtype=tf.int64)

    def body(index, found):
        starts = positions[index * at_once : (index + 1) * at_once]
        chunks = tf.gather(samples, starts[:, None] + offsets)
        return index + 1, found.write(index, score(chunks))

    found = tf.TensorArray(tf.float32, size=batches, element_shape=[None, num_tags], infer_shape=False)
    _, found = tf.while_loop(lambda index, _: index < batches, body, [0, found], parallel_iterations=1)
    return tf.ensure_shape(found.concat(), [None, num_tags])


BATCHED = ("serving_default", "embed", "wav_bytes")


def signatures_of(network: keras.Model, chunking: Chunking, vocabulary: Vocabulary) -> dict[str, Callable]:
    """Makes the functions of a network, each with its input signature.

    Args:
        network: From waveforms to scores and embedding: see `exported_network`.
        chunking: How a track is cut into chunks.
        vocabulary: Its tags.

    Returns:
        `tf.function`s by the names of their signatures.
    """
    size, rate_hz = chunking.chunk_samples, chunking.sample_rate_hz
    chunks = tf.TensorSpec((None, size), tf.float32, name="waveform")
    expected = f"`waveform` must have shape (batch, {size}): cut a mono track at {rate_hz} Hz into chunks."

    @tf.function(input_signature=[chunks], autograph=False)
    def both(waveform):
        waveform = _of_shape(waveform, expected, rank=2, columns=size)
        valid = tf.reduce_all(tf.abs(waveform) <= MAX_PEAK, axis=1, keepdims=True)  # False for NaN
        outputs = network(waveform, training=False)
        return {name: tf.where(valid, output, math.nan) for name, output in outputs.items()}

    @tf.function(input_signature=[chunks], autograph=False)
    def serving_default(waveform):
        return {"scores": both(waveform)["scores"]}

    @tf.function(input_signature=[chunks], autograph=False)
    def embed(waveform):
        return {"embedding": both(waveform)["embedding"]}

    tracks = _of_tracks(lambda waveform: both(waveform)["scores"], len(vocabulary), chunking)
    return {"serving_default": serving_default, "embed": embed, **tracks, "tags": _of_tags(vocabulary)}


def _of_shape(tensor: tf.Tensor, expected: str, rank: int, columns: int | None = None) -> tf.Tensor:
    """Returns the tensor or fails: a server checks no shapes, and most networks compute scores for wrong ones, too."""
    # TensorFlow trusts the shape in the signature: `tf.rank` of the tensor would be a constant, whatever arrives. The
    # result of this operation has no static shape, so that the check cannot be folded away.
    seen = tf.compat.v1.placeholder_with_default(tensor, None)
    shape = tf.shape(seen)
    fits = tf.rank(seen) == rank
    if columns is not None:
        fits &= tf.reduce_all(shape[1:] == columns)
    with tf.control_dependencies([tf.debugging.Assert(fits, [f"{expected} Received:", shape])]):
        return tf.identity(tensor)


def _of_tracks(score: Callable, num_tags: int, chunking: Chunking) -> dict[str, Callable]:
    rate_hz = chunking.sample_rate_hz
    expected = f"`waveform` must have shape (samples,): one track, mono, at {rate_hz} Hz."

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="wav_bytes")], autograph=False)
    def wav_bytes(wav_bytes):
        files = _of_shape(wav_bytes, "`wav_bytes` must have shape (batch,): a list of WAV files.", rank=1)
        waveforms = tf.map_fn(
            lambda file: decode_wav(*file, rate_hz),
            (files, tf.range(tf.size(files))),
            fn_output_signature=tf.RaggedTensorSpec([None], tf.float32, ragged_rank=0),
        )
        scores, _ = score_tracks(score, num_tags, waveforms, chunking)
        return {"scores": tf.reduce_mean(scores, axis=1)}

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.float32, name="waveform")], autograph=False)
    def taggram(waveform):
        waveform = _of_shape(waveform, expected, rank=1)
        with tf.control_dependencies(_checks(waveform)):
            length = tf.size(waveform, out_type=tf.int64)
        track = tf.RaggedTensor.from_row_lengths(waveform, [length])
        scores, starts = score_tracks(score, num_tags, track, chunking)
        begin, end = spans(starts.values, length, chunking)
        return {"scores": scores.values, "start_seconds": begin, "end_seconds": end}

    return {"wav_bytes": wav_bytes, "taggram": taggram}


def _checks(waveform: tf.Tensor) -> list[tf.Operation]:
    """The checks that `Tagger.tag` makes of an array."""
    peak = tf.reduce_max(tf.abs(waveform))
    finite = tf.reduce_all(tf.math.is_finite(waveform))
    return [
        tf.debugging.Assert(tf.size(waveform) > 0, ["A track must hold at least one sample. Received none."]),
        tf.debugging.Assert(finite, ["A track must be finite. Received samples that are NaN or infinite."]),
        tf.debugging.Assert(
            tf.logical_or(peak <= MAX_PEAK, tf.logical_not(finite)),
            ["Samples must be in [-1, 1]; divide 16-bit samples by 32768. Received a peak of", peak],
        ),
    ]


def _of_tags(vocabulary: Vocabulary) -> Callable:
    known = ", ".join(dict.fromkeys(vocabulary.groups))

    @tf.function(input_signature=[tf.TensorSpec((), tf.string, name="group")], autograph=False)
    def tags(group):
        """All tags for "", or those of a group. It has an input because REST cannot call a signature without one."""
        names, groups = tf.constant(vocabulary.names), tf.constant(vocabulary.groups)
        asked = tf.logical_or(group == "", groups == group)
        wrong = tf.debugging.Assert(
            tf.reduce_any(asked), [f"Unknown group of tags. Known groups: {known}. Received:", group]
        )
        with tf.control_dependencies([wrong]):
            indices = tf.where(asked)[:, 0]
        return {"tags": tf.gather(names, indices), "groups": tf.gather(groups, indices), "indices": indices}

    return tags

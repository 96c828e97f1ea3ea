"""The hash and the random starts of `records.crops` on TensorFlow's graph, equal bit for bit."""

import tensorflow as tf

from keras_musictag.records.crops import CROP, GOLDEN, MIX_1, MIX_2


def stateless_hash(*words: int | tf.Tensor) -> tf.Tensor:
    """The same number as `crops.stateless_hash`.

    Args:
        words: Integers in the range of int64, or integer tensors that broadcast.

    Returns:
        Uint64 tensor of the broadcast shape.

    Example:
        >>> int(stateless_hash(0))
        16294208416658607535
    """
    state = tf.zeros((), tf.uint64)
    for word in words:
        word = tf.cast(tf.convert_to_tensor(word, tf.int64) if isinstance(word, int) else word, tf.uint64)
        state = tf.bitwise.bitwise_xor(*_broadcast(state, word)) + tf.constant(GOLDEN, tf.uint64)
        state = _fold(state, 30) * tf.constant(MIX_1, tf.uint64)
        state = _fold(state, 27) * tf.constant(MIX_2, tf.uint64)
        state = _fold(state, 31)
    return state


def _fold(state: tf.Tensor, bits: int) -> tf.Tensor:
    return tf.bitwise.bitwise_xor(state, tf.bitwise.right_shift(state, tf.cast(bits, tf.uint64)))


def _broadcast(a: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    shape = tf.broadcast_dynamic_shape(tf.shape(a), tf.shape(b))
    return tf.broadcast_to(a, shape), tf.broadcast_to(b, shape)


def order(keys: tf.Tensor) -> tf.Tensor:
    """The positions that sort uint64 keys, as `numpy.argsort(keys, kind="stable")`.

    TensorFlow cannot sort uint64; with the highest bit flipped, int64 sorts in the same order.
    """
    flipped = tf.bitwise.bitwise_xor(*_broadcast(keys, tf.constant(2**63, tf.uint64)))
    return tf.argsort(tf.bitcast(flipped, tf.int64), stable=True)


def random_starts(
    num_samples: tf.Tensor, chunk_samples: int, *, seed: int, epoch: tf.Tensor, track_index: tf.Tensor, k: tf.Tensor
) -> tf.Tensor:
    """The same numbers as `crops.random_starts`, int64.

    Example:
        >>> from keras_musictag.records import crops
        >>> where = dict(seed=1, epoch=2, track_index=3, k=4)
        >>> int(random_starts(480000, 59049, **where)) == int(crops.random_starts(480000, 59049, **where))
        True
    """
    room = tf.maximum(tf.cast(num_samples, tf.int64) - chunk_samples, 0) + 1
    remainder = stateless_hash(CROP, seed, epoch, track_index, k) % tf.cast(room, tf.uint64)
    return tf.cast(remainder, tf.int64)

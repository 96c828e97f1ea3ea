"""MP3 decoded in the graph by tensorflow-io, an optional extra that needs TensorFlow 2.16. See docs/tensorflow_io.md.

Differs from `audio.read`: MP3 only; nothing is resampled; damaged frames are left out without a note.

The hash and the random starts of `crops` on TensorFlow's graph, equal to the bit.

A serialised record -> the chunks that (seed, epoch) cut from it, on TensorFlow's graph.

Samples of `pcm` records are cut as bytes, without Python. What must be decoded or deformed runs in
`examples.waveform_chunks`, the same function that the readers without TensorFlow call.
"""

import warnings
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_musictag.errors import MusicTagError, UnknownNameError
from keras_musictag.records.crops import CROP, GOLDEN, MIX_1, MIX_2
from keras_musictag.records.examples import Cutting, StoredAudio, waveform_chunks

LARGEST_DIFFERENCE = 0.1  # of the length; the nearest sample rate of MP3 to 16 kHz, 12 kHz, would differ by 0.25
_HOW = "`scripts/check_tensorflow_io` makes an environment where it works; PyAV decodes in any."


def decode_mp3(contents: tf.Tensor, num_samples: tf.Tensor | int | None = None) -> tf.Tensor:
    """Decodes one MP3 file, inside or outside a graph.

    Args:
        contents: String scalar, the bytes of the file.
        num_samples: How many samples the file's record states. Up to a tenth that is missing or too much, as in a
            damaged file, is filled with silence or cut; None gives what was decoded.

    Returns:
        Float32 (samples,), the mean of the channels, at the file's own sample rate.

    Raises:
        MusicTagError: If tensorflow-io is not installed or does not load under this TensorFlow.
        tf.errors.InvalidArgumentError: If the bytes are no MP3 file, or decode to another number of samples than
            `num_samples` by more than a tenth: then the file has another sample rate than the record.
    """
    samples = tf.reduce_mean(_decode_channels(contents), axis=1)
    return samples if num_samples is None else _fit(samples, tf.cast(num_samples, tf.int32))


def _fit(samples: tf.Tensor, num_samples: tf.Tensor) -> tf.Tensor:
    """Float32 (num_samples,): cut, or silence after it."""
    decoded = tf.shape(samples)[0]
    largest = tf.cast(LARGEST_DIFFERENCE * tf.cast(num_samples, tf.float32), tf.int32)
    message = (
        "An MP3 file decodes to another number of samples than its record states: tensorflow-io resamples nothing, so "
        "the file must have the records' 16 kHz. Prepare with storage 'pcm', or decode with PyAV."
    )
    with tf.control_dependencies([tf.debugging.assert_less_equal(tf.abs(decoded - num_samples), largest, message)]):
        samples = samples[:num_samples]
    return tf.ensure_shape(tf.pad(samples, [[0, num_samples - tf.shape(samples)[0]]]), [None])


def _decode_channels(contents: tf.Tensor) -> tf.Tensor:
    """Float32 (samples, channels). The library of operators loads with the first call, not with the import."""
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # an error below says it better
            import tensorflow_io

            return tensorflow_io.audio.decode_mp3(contents)
    except ImportError as error:
        raise MusicTagError(f"`decoder='tensorflow-io'` needs tensorflow-io, which is not installed. {_HOW}") from error
    except NotImplementedError as error:
        raise MusicTagError(
            f"tensorflow-io does not load under TensorFlow {tf.__version__}; expected TensorFlow 2.16. {_HOW}"
        ) from error


def stateless_hash(*words: int | tf.Tensor) -> tf.Tensor:
    """The same number as `crops.stateless_hash`.

    Args:
        words: Integers within int64, or integer tensors that broadcast.

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

    TensorFlow sorts no uint64: with the highest bit flipped, int64 sorts in the same order.
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


Decoder = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # (file, num_samples) -> float32 (num_samples,), on the graph
DECODERS = ("pyav", "tensorflow-io")


def get_decoder(decoder: str | Decoder) -> Decoder | None:
    """The function of a decoder's name; None for PyAV, which runs outside the graph.

    Raises:
        UnknownNameError: If there is no such decoder.
    """
    if callable(decoder):
        return decoder
    if decoder not in DECODERS:
        raise UnknownNameError.of("decoder", decoder, DECODERS)
    return None if decoder == "pyav" else decode_mp3


def parse_and_cut(
    serialized: tf.Tensor,
    epoch: tf.Tensor,
    cutting: Cutting,
    storage: str,
    num_tags: int,
    num_bands: int | None,
    decoder: Decoder | None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Cuts one track.

    Args:
        serialized: String tensor (), a `tf.train.Example` as in `schema`.
        epoch: Int64 tensor ().
        cutting: How to cut.
        storage: Of the records, "pcm" or "source".
        num_tags: Of the records' vocabulary.
        num_bands: Of the stored features, where those are cut.
        decoder: Of `get_decoder`.

    Returns:
        `(chunks, labels)`: (chunks_per_track, chunk_samples) of int16, or of float32 after deformations; or
        float32 (chunks_per_track, chunk_frames, bands). Int64 (tags,).
    """
    names = ("track_index", "sample_rate_hz", "num_samples")
    layout = {name: tf.io.FixedLenFeature((), tf.int64) for name in names}
    if num_tags:
        layout["labels"] = tf.io.FixedLenFeature((num_tags,), tf.int64)
    stored = "features" if cutting.chunk_frames else storage
    layout[stored] = tf.io.FixedLenFeature((), tf.string)
    if cutting.chunk_frames:
        layout["features_shape"] = tf.io.FixedLenFeature((2,), tf.int64)
    example = tf.io.parse_single_example(serialized, layout)
    if cutting.chunk_frames:
        chunks = _cut_features(example, epoch, cutting)
    elif cutting.deform or (storage == "source" and decoder is None):
        chunks = _cut_in_python(example, epoch, cutting, storage)
    elif storage == "source":
        chunks = _cut_decoded(example, epoch, cutting, decoder)
    else:
        chunks = _cut_pcm(example, epoch, cutting)
    bands = () if cutting.chunk_samples else (num_bands,)
    labels = example["labels"] if num_tags else tf.zeros((0,), tf.int64)  # an empty list is not even written
    return tf.ensure_shape(chunks, (cutting.chunks_per_track, cutting.size, *bands)), labels


def _starts(example, epoch, cutting: Cutting, length: tf.Tensor) -> tf.Tensor:
    return random_starts(
        length,
        cutting.size,
        seed=cutting.seed,
        epoch=epoch,
        track_index=example["track_index"],
        k=tf.range(cutting.chunks_per_track, dtype=tf.int64),
    )


def _cut_pcm(example, epoch, cutting: Cutting) -> tf.Tensor:
    def cut(start):
        piece = tf.io.decode_raw(tf.strings.substr(example["pcm"], 2 * start, 2 * cutting.size), tf.int16)
        return tf.pad(piece, [[0, cutting.size - tf.size(piece)]])

    starts = _starts(example, epoch, cutting, example["num_samples"])
    return tf.stack([cut(starts[k]) for k in range(cutting.chunks_per_track)])


def _cut_decoded(example, epoch, cutting: Cutting, decoder: Decoder) -> tf.Tensor:
    """Decodes on the graph; samples are rounded as in `pcm` records."""
    samples = decoder(example["source"], example["num_samples"])
    pcm = tf.cast(tf.clip_by_value(tf.round(samples * 32768.0), -32768.0, 32767.0), tf.int16)
    starts = _starts(example, epoch, cutting, example["num_samples"])
    return _slices(pcm, starts, cutting)


def _cut_features(example, epoch, cutting: Cutting) -> tf.Tensor:
    features = tf.reshape(tf.io.decode_raw(example["features"], tf.float32), example["features_shape"])
    return _slices(features, _starts(example, epoch, cutting, example["features_shape"][0]), cutting)


def _slices(track: tf.Tensor, starts: tf.Tensor, cutting: Cutting) -> tf.Tensor:
    """`crops.cut_at` along the first axis."""
    missing = tf.maximum(cutting.size - tf.shape(track)[0], 0)
    track = tf.pad(track, [[0, missing], *([[0, 0]] * (track.shape.rank - 1))])
    return tf.stack([track[starts[k] :][: cutting.size] for k in range(cutting.chunks_per_track)])


def _cut_in_python(example, epoch, cutting: Cutting, storage: str) -> tf.Tensor:
    def cut(track_index, sample_rate_hz, num_samples, epoch, audio):
        stored = StoredAudio(int(track_index), int(sample_rate_hz), int(num_samples), storage, audio)
        return waveform_chunks(stored, cutting, int(epoch), np.arange(cutting.chunks_per_track))

    names = ("track_index", "sample_rate_hz", "num_samples")
    values = [*(example[name] for name in names), epoch, example[storage]]
    return tf.numpy_function(cut, values, tf.float32 if cutting.deform else tf.int16, stateful=False)

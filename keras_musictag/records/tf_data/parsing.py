"""A serialized record -> the chunks that (seed, epoch) cut from it, on TensorFlow's graph.

Samples of `pcm` records are cut as bytes, without Python. What must be decoded or deformed runs in
`examples.waveform_chunks`, the same function that the readers without TensorFlow call.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_musictag.errors import UnknownNameError
from keras_musictag.records.examples import Cutting, StoredAudio, waveform_chunks
from keras_musictag.records.tf_data.graph_crops import random_starts
from keras_musictag.records.tf_data.tensorflow_io_mp3 import decode_mp3

Decoder = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # (file, num_samples) -> float32 (num_samples,), on the graph
DECODERS = ("pyav", "tensorflow-io")


def get_decoder(decoder: str | Decoder) -> Decoder | None:
    """The function for a decoder's name; None for PyAV, which runs outside the graph.

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
        storage: Storage of the records, "pcm" or "source".
        num_tags: Size of the records' vocabulary.
        num_bands: Bands of the stored features, if those are cut.
        decoder: The result of `get_decoder`.

    Returns:
        `(chunks, labels)`. Chunks are int16 (chunks_per_track, chunk_samples), or float32 after deformations; of
        features, float32 (chunks_per_track, chunk_frames, bands). Labels are int64 (tags,).
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
    labels = example["labels"] if num_tags else tf.zeros((0,), tf.int64)  # an empty list is not stored
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

"""tf.data pipelines: records -> batches of chunks and labels, for training and for evaluation.

For the same (seed, epoch), training gets the same batches, bit for bit. Evaluation gets every track complete and in
order.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from keras_musictag.errors import RecordsError
from keras_musictag.records.checking import find_damage
from keras_musictag.records.crops import SHARD, SHUFFLE, stateless_hash
from keras_musictag.records.deformation import Deform
from keras_musictag.records.evaluation_batches import EvaluationBatches
from keras_musictag.records.examples import Cutting
from keras_musictag.records.folder import Records
from keras_musictag.records.mixup import draw_share, mix
from keras_musictag.records.tf_data import graph_crops
from keras_musictag.records.tf_data.parsing import Decoder, get_decoder, parse_and_cut

OPEN_SHARDS = 8  # read in turn while shuffling. It affects the order of examples, so it never depends on the machine
BUFFER_BYTES = 128 * 2**20  # maximum size of the shuffle buffer, unless its length is given


def train_pipeline(
    records: Records,
    part: str = "train",
    *,
    chunk_samples: int | None = None,
    chunk_frames: int | None = None,
    batch_size: int,
    seed: int = 0,
    epoch: int | tf.Variable = 0,
    epochs: int = 1,
    chunks_per_track: int = 1,
    group_by_track: bool = False,
    shuffle: bool = True,
    shuffle_buffer: int | None = None,
    mixup_alpha: float = 0.0,
    deform: Deform | None = None,
    worker: int = 0,
    num_workers: int = 1,
    drop_remainder: bool = False,
    decoder: str | Decoder = "pyav",
    num_parallel_calls: int | None = None,
) -> tf.data.Dataset:
    """Random chunks of every track, epoch after epoch.

    The start of a chunk depends on (seed, epoch, track) alone. The order of the examples depends on (seed, epoch),
    `shuffle_buffer` and the worker. Neither depends on the number of threads, nor on `tf.random.set_seed`.

    Args:
        records: An open folder of records.
        part: "train", "valid" or "test".
        chunk_samples: Length of a chunk of waveform, samples. Shorter tracks are padded with zeros.
        chunk_frames: Instead of `chunk_samples`, the length of a chunk of the stored features, frames.
        batch_size: Examples per batch.
        seed: Seed of the training run.
        epoch: The first epoch. An int64 `tf.Variable` on the CPU is read whenever the dataset is iterated over: one
            dataset then serves all epochs, as building one takes a few tenths of a second. Not with several workers.
        epochs: Number of epochs in the dataset; the last batch of each may be smaller.
        chunks_per_track: Chunks per track in an epoch.
        group_by_track: Whether the chunks of a track form one example; otherwise each chunk is an example.
        shuffle: Whether the order changes from epoch to epoch. Chunks are random in either case.
        shuffle_buffer: Examples that are shuffled at a time; None for what fits into 128 MB, at most 4096.
        mixup_alpha: Parameter of Beta(alpha, alpha) for mixup; 0 for no mixup.
        deform: How tracks are deformed before chunks are cut; None for not at all.
        worker: Number of this worker, from 0. Each gets different shards; together they get every track once.
        num_workers: Number of workers.
        drop_remainder: Whether to drop an epoch's last batch if it is smaller.
        decoder: Decoder of `source` records: "pyav"; "tensorflow-io" (an optional extra, MP3 only); or a function on
            the graph from (file, num_samples), a string and an int64 tensor (), to float32 (num_samples,).
        num_parallel_calls: Threads that cut chunks; None lets tf.data choose.

    Returns:
        A dataset of `(chunks, labels)`, float32 (batch, chunk_samples) and (batch, tags). With `group_by_track`, chunks
        are (batch, chunks_per_track, chunk_samples). Chunks of features are (..., chunk_frames, bands). Its length is
        known: `len(dataset)` steps.

    Raises:
        ValueError: If an argument is out of range, there are fewer shards than workers, or features are requested but
            not stored.
        UnknownNameError: If there is no such part or decoder.

    Example:
        See docs/pipelines.md, whose code is tested.
    """
    cutting = Cutting(chunk_samples, chunk_frames, chunks_per_track, group_by_track, seed, deform)
    cutting.check(records)
    _check_least(
        1, batch_size=batch_size, epochs=epochs, shuffle_buffer=1 if shuffle_buffer is None else shuffle_buffer
    )
    first = int(epoch)
    _check_least(0, epoch=first, mixup_alpha=mixup_alpha)
    if isinstance(epoch, tf.Variable) and num_workers > 1:
        raise ValueError(
            "With several workers, the number of steps depends on the epoch: pass `epoch` as a number, not a variable. "
            f"Received: num_workers={num_workers}."
        )
    files = [str(path) for path in records.shards(part)]
    steps = [
        steps_per_epoch(
            records,
            part,
            batch_size=batch_size,
            seed=seed,
            epoch=each,
            examples_per_track=cutting.examples_per_track,
            shuffle=shuffle,
            worker=worker,
            num_workers=num_workers,
            drop_remainder=drop_remainder,
        )
        for each in range(first, first + epochs)
    ]
    decode = get_decoder(decoder)
    parallel = tf.data.AUTOTUNE if num_parallel_calls is None else num_parallel_calls
    num_bands = _num_bands(records, part) if chunk_frames else None
    buffer = _buffer_length(cutting, num_bands) if shuffle_buffer is None else shuffle_buffer

    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        tf.random.set_seed(1)  # for this graph only: the caller's seed must not change the order
        dataset = tf.data.Dataset.from_tensor_slices(_ordered(files, seed, epoch, shuffle)[worker::num_workers])
        # without threads, which take more time and memory for the same records
        dataset = dataset.interleave(tf.data.TFRecordDataset, OPEN_SHARDS if shuffle else 1, 1)

        def cut(record):
            return parse_and_cut(record, epoch, cutting, records.storage, len(records.vocabulary), num_bands, decode)

        dataset = _to_examples(dataset.map(cut, num_parallel_calls=parallel), cutting)
        if shuffle:
            shuffle_seed = tf.bitcast(graph_crops.stateless_hash(SHUFFLE, seed, epoch), tf.int64)
            dataset = dataset.shuffle(buffer, seed=shuffle_seed, reshuffle_each_iteration=False)
        dataset = dataset.batch(batch_size, drop_remainder).map(_to_floats, num_parallel_calls=parallel)
        return _with_mixup(dataset, mixup_alpha, seed, epoch, worker) if mixup_alpha else dataset

    dataset = tf.data.Dataset.range(epochs).map(lambda index: index + epoch).flat_map(one_epoch)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(sum(steps)))
    return dataset.prefetch(2).with_options(_options())


def steps_per_epoch(
    records: Records,
    part: str = "train",
    *,
    batch_size: int,
    seed: int = 0,
    epoch: int = 0,
    examples_per_track: int = 1,
    shuffle: bool = True,
    worker: int = 0,
    num_workers: int = 1,
    drop_remainder: bool = False,
) -> int:
    """Number of batches that `train_pipeline` gives in one epoch.

    With one worker it is the same in every epoch. With several, a worker's shards change from epoch to epoch, and with
    them its number of tracks.

    Args:
        records: An open folder of records.
        part: "train", "valid" or "test".
        batch_size: Examples per batch.
        seed: As passed to `train_pipeline`.
        epoch: The epoch.
        examples_per_track: `chunks_per_track`, or 1 with `group_by_track`.
        shuffle: As passed to `train_pipeline`.
        worker: Number of the worker, from 0.
        num_workers: Number of workers.
        drop_remainder: As passed to `train_pipeline`.

    Returns:
        The number of batches.

    Raises:
        ValueError: If there are fewer shards than workers, or `worker` is out of range.
        UnknownNameError: If there is no such part.
    """
    if not records.part(part):
        raise ValueError(f"The part {part!r} of {str(records.folder)!r} has no tracks. Choose another part.")
    names = [path.name for path in records.shards(part)]
    if not 0 <= worker < num_workers:
        raise ValueError(f"`worker` must be from 0 to {num_workers - 1}. Received: {worker}.")
    if len(names) < num_workers:
        raise ValueError(
            f"Each of {num_workers} workers needs a shard, and the part {part!r} of {str(records.folder)!r} has "
            f"{len(names)}. Use fewer workers, or prepare with a smaller `tracks_per_shard`."
        )
    keys = stateless_hash(SHARD, seed, epoch, np.arange(len(names)))
    order = np.argsort(keys, kind="stable") if shuffle else np.arange(len(names))
    tracks = sum(records.info["shards"][names[i]]["tracks"] for i in order[worker::num_workers])
    examples = tracks * examples_per_track
    return examples // batch_size if drop_remainder else math.ceil(examples / batch_size)


def _check_least(least: int, **values: float) -> None:
    for name, value in values.items():
        if not value >= least:
            raise ValueError(f"`{name}` must be {least} or more. Received: {value}.")


def _ordered(files: list[str], seed: int, epoch: tf.Tensor, shuffle: bool) -> tf.Tensor:
    if not shuffle:
        return tf.constant(files)
    keys = graph_crops.stateless_hash(SHARD, seed, epoch, tf.range(len(files), dtype=tf.int64))
    return tf.gather(tf.constant(files), graph_crops.order(keys))


def _to_examples(tracks: tf.data.Dataset, cutting: Cutting) -> tf.data.Dataset:
    """(chunks of a track, labels) -> examples: one per track, or one per chunk."""
    if cutting.group_by_track:
        return tracks
    if cutting.chunks_per_track == 1:
        return tracks.map(lambda chunks, labels: (chunks[0], labels))
    return tracks.flat_map(
        lambda chunks, labels: tf.data.Dataset.from_tensor_slices(chunks).map(lambda chunk: (chunk, labels))
    )


def _to_floats(chunks: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Comes after shuffling, as the buffer holds twice as many chunks of int16."""
    if chunks.dtype == tf.int16:
        chunks = tf.cast(chunks, tf.float32) / 32768.0
    return chunks, tf.cast(labels, tf.float32)


def _with_mixup(dataset: tf.data.Dataset, alpha: float, seed: int, epoch: tf.Tensor, worker: int) -> tf.data.Dataset:
    def share_of(epoch, batch):
        return draw_share(alpha, seed=seed, epoch=int(epoch), batch=int(batch), worker=worker)

    def mix_batch(index, batch):
        share = tf.ensure_shape(tf.numpy_function(share_of, [epoch, index], tf.float32, stateful=False), ())
        return tuple(mix(values, tf.roll(values, 1, axis=0), share) for values in batch)

    return dataset.enumerate().map(mix_batch)


def _num_bands(records: Records, part: str) -> int:
    return records.read(records.part(part)[0]).features.shape[1]


def _buffer_length(cutting: Cutting, num_bands: int | None) -> int:
    chunks = cutting.chunks_per_track // cutting.examples_per_track
    # samples are int16, unless they were deformed; features are float32
    example_bytes = chunks * cutting.size * (4 * num_bands if num_bands else 4 if cutting.deform else 2)
    return max(1, min(4096, BUFFER_BYTES // example_bytes))


def _options() -> tf.data.Options:
    options = tf.data.Options()
    options.deterministic = True
    # `worker` selects the files; tf.distribute must not divide them again
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return options


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
    """The chunks of a part, each with its track index.

    Args:
        records: An open folder of records.
        part: "train", "valid" or "test".
        chunk_samples: Length of a chunk, samples. Shorter tracks are padded with zeros.
        batch_size: Chunks per batch; the last batch may be smaller.
        chunks: Chunks per track, spread as in the 2020 evaluation (`crops.spread_starts`).
        hop_samples: Instead of `chunks`, the distance between chunks that cover the whole track (`crops.cover_starts`).
        with_track_index: Pass False for `validation_data` of Keras, which would take the third element as weights.

    Returns:
        A dataset of `(chunks, labels, track_index)`: float32 (batch, chunk_samples), float32 (batch, tags) and int64
        (batch,). `average_by_track` turns a model's scores into those of the tracks.

    Raises:
        ValueError: If a number is below 1, or the part has no tracks.
        UnknownNameError: If there is no such part.

    Example:
        See docs/pipelines.md, whose code is tested.
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

    # in order, one at a time, as batches share tracks. Reading is far faster than any network
    return tf.data.Dataset.range(len(batches)).map(read).prefetch(2)


@contextmanager
def naming_damage(records: Records) -> Iterator[None]:
    """Turns tf.data's error about damaged records into one that names the shard, byte and track.

    Args:
        records: The records that are being read, for example by `model.fit`.

    Raises:
        RecordsError: If the code inside fails because of a damaged record.
    """
    try:
        yield
    except tf.errors.DataLossError as error:
        raise find_damage(records) or RecordsError(
            f"A record of {str(records.folder)!r} could not be read, but now all of them can. Is the disk failing, or "
            f"is the folder being written? TensorFlow says: {error.message}"
        ) from error
    except tf.errors.UnknownError as error:  # raised by our own code inside tf.data, which keeps only the text
        found = find_damage(records) if RecordsError.__name__ in error.message else None
        if found is None:
            raise
        raise found from error

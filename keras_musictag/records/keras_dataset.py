"""Records as a `keras.utils.PyDataset`, for every backend of Keras and without TensorFlow."""

import keras
import numpy as np

from keras_musictag.audio.samples import to_floats
from keras_musictag.records.crops import ORDER, stateless_hash
from keras_musictag.records.deformation import Deform
from keras_musictag.records.evaluation_batches import EvaluationBatches
from keras_musictag.records.examples import Cutting, StoredAudio, feature_chunks, waveform_chunks
from keras_musictag.records.folder import Records, StoredTrack
from keras_musictag.records.mixup import draw_share, mix


class RecordsDataset(keras.utils.PyDataset):
    """Random chunks of every track, batch by batch. Pass `callbacks=[FollowEpochs(dataset)]` to `fit`.

    Each track's chunks are those of `train_pipeline`. Their order differs: here all examples are shuffled at once, as
    records can be read in any order. Arguments that both have mean the same.

    Args:
        records: An open folder of records.
        part: "train", "valid" or "test".
        chunk_samples: Length of a chunk of waveform, samples. Shorter tracks are padded with zeros.
        chunk_frames: Instead of `chunk_samples`, the length of a chunk of the stored features, frames.
        batch_size: Examples per batch; the last batch may be smaller.
        seed: Seed of the training run.
        epoch: The first epoch.
        chunks_per_track: Chunks per track in an epoch.
        group_by_track: Whether the chunks of a track form one example; otherwise each chunk is an example.
        shuffle: Whether the order changes from epoch to epoch. Pass `shuffle=False` to `fit`, which would only change
            the order of the batches.
        mixup_alpha: Parameter of Beta(alpha, alpha) for mixup; 0 for no mixup.
        deform: How tracks are deformed before chunks are cut; None for not at all.
        worker: Number of this worker, from 0. Together the workers get every example once.
        num_workers: Number of workers.
        threads: Number of threads that read ahead.

    Attributes:
        epoch: The epoch whose batches `dataset[i]` gives.

    Raises:
        ValueError: If an argument is out of range, or there are fewer examples than workers.
        UnknownNameError: If there is no such part.
    """

    def __init__(
        self,
        records: Records,
        part: str = "train",
        *,
        chunk_samples: int | None = None,
        chunk_frames: int | None = None,
        batch_size: int,
        seed: int = 0,
        epoch: int = 0,
        chunks_per_track: int = 1,
        group_by_track: bool = False,
        shuffle: bool = True,
        mixup_alpha: float = 0.0,
        deform: Deform | None = None,
        worker: int = 0,
        num_workers: int = 1,
        threads: int = 1,
    ):
        super().__init__(workers=threads)
        self._cutting = Cutting(chunk_samples, chunk_frames, chunks_per_track, group_by_track, seed, deform)
        self._cutting.check(records)
        for name, value, least in (("batch_size", batch_size, 1), ("epoch", epoch, 0), ("mixup_alpha", mixup_alpha, 0)):
            if not value >= least:
                raise ValueError(f"`{name}` must be {least} or more. Received: {value}.")
        if not 0 <= worker < num_workers:
            raise ValueError(f"`worker` must be from 0 to {num_workers - 1}. Received: {worker}.")
        self.records, self.epoch = records, epoch
        self._tracks, self._labels = records.part(part), records.labels(part)
        if len(self._tracks) * self._cutting.examples_per_track < num_workers:
            raise ValueError(
                f"Each of {num_workers} workers needs an example, and the part {part!r} of {str(records.folder)!r} has "
                f"{len(self._tracks)} tracks. Use fewer workers, or another part."
            )
        self._batch_size, self._shuffle, self._mixup_alpha = batch_size, shuffle, mixup_alpha
        self._worker, self._num_workers = worker, num_workers
        self._set_order()

    def __len__(self) -> int:
        return -(-len(self._order) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """One batch.

        Returns:
            `(chunks, labels)`, as `pipeline.train_pipeline` gives them.

        Raises:
            RecordsError: If a record is damaged; the message names the shard and the byte.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"There are {len(self)} batches. Received: index {index}.")
        examples = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        rows, k = np.divmod(examples, self._cutting.examples_per_track)
        chunks = np.stack([self._example(self._tracks[row], which) for row, which in zip(rows, k, strict=True)])
        labels = self._labels[rows]
        if not self._mixup_alpha:
            return chunks, labels
        where = {"seed": self._cutting.seed, "epoch": self.epoch, "batch": index, "worker": self._worker}
        share = draw_share(self._mixup_alpha, **where)
        return tuple(mix(values, np.roll(values, 1, axis=0), share) for values in (chunks, labels))

    def on_epoch_end(self) -> None:
        """Moves to the next epoch. Keras calls it, and once more if it inspects a batch before training."""
        self.set_epoch(self.epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch whose batches `dataset[i]` gives."""
        self.epoch = epoch
        self._set_order()

    def _set_order(self) -> None:
        """Sets which examples this worker gives in this epoch; example = row of the track * chunks per track + k."""
        order = np.arange(len(self._tracks) * self._cutting.examples_per_track)
        if self._shuffle:
            order = np.argsort(stateless_hash(ORDER, self._cutting.seed, self.epoch, order), kind="stable")
        self._order = order[self._worker :: self._num_workers]

    def _example(self, track: StoredTrack, which: int) -> np.ndarray:
        record, cutting = self.records.read(track), self._cutting
        k = np.arange(cutting.chunks_per_track) if cutting.group_by_track else np.array([which])
        if cutting.chunk_frames:
            chunks = feature_chunks(record.features, record.track_index, cutting, self.epoch, k)
        else:
            chunks = to_floats(waveform_chunks(StoredAudio.of(record), cutting, self.epoch, k))
        return chunks if cutting.group_by_track else chunks[0]


class FollowEpochs(keras.callbacks.Callback):
    """Keeps the dataset's epoch equal to that of `fit`, so that a resumed run gets the chunks it would have got.

    It also counts from `initial_epoch`.

    Without it the dataset counts the calls of Keras, which are one epoch ahead for a model that was not trained before.

    Args:
        dataset: The dataset that is passed to `fit`.
    """

    def __init__(self, dataset: RecordsDataset):
        super().__init__()
        self._dataset = dataset

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Called by Keras before it asks for the first batch of an epoch."""
        self._dataset.set_epoch(epoch)


class EvaluationDataset(keras.utils.PyDataset):
    """Chunks and labels for evaluation, for `model.predict`, `model.evaluate` and `validation_data`.

    `average_by_track(model.predict(dataset), batches.track_index)` gives the scores of the tracks.

    Args:
        batches: The chunks: an `EvaluationBatches`.
    """

    def __init__(self, batches: EvaluationBatches):
        super().__init__()
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """`(chunks, labels)`. No track index: Keras would take a third element as weights."""
        return self._batches[index][:2]

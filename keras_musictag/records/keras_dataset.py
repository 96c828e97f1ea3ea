"""`keras.utils.PyDataset`: the same records on every backend of Keras, without TensorFlow."""

import keras
import numpy as np

from keras_musictag.audio.samples import to_floats
from keras_musictag.records.crops import ORDER, draw_share, mix, stateless_hash
from keras_musictag.records.deformation import Deform
from keras_musictag.records.evaluation_batches import EvaluationBatches
from keras_musictag.records.examples import Cutting, StoredAudio, feature_chunks, waveform_chunks
from keras_musictag.records.folder import Records, StoredTrack


class RecordsDataset(keras.utils.PyDataset):
    """Random chunks of every track, batch by batch. Pass `callbacks=[FollowEpochs(dataset)]` to `fit`.

    Chunks are those of `pipeline.train_pipeline`, track by track. Their order is another one: here all examples are
    shuffled at once, as records can be read at any place. The arguments that both have mean the same.

    Args:
        records: An open folder of records.
        part: "train", "valid" or "test".
        chunk_samples: Length of a chunk of waveform, samples. Shorter tracks are filled up with zeros.
        chunk_frames: Instead of it, length of a chunk of the stored features, frames.
        batch_size: Examples in a batch; the last one may be smaller.
        seed: Of the training run.
        epoch: The first epoch.
        chunks_per_track: Chunks of each track in an epoch.
        level: "chunk" (each chunk is an example) or "song" (all chunks of a track are one example).
        shuffle: Whether the order changes from epoch to epoch. Keras must not shuffle: `fit(..., shuffle=False)`
            spares it, and would only change the order of the batches.
        mixup_alpha: Of Beta(alpha, alpha), see `mixup`; 0 for no mixup.
        deform: What may happen to a track before chunks are cut, see `Deform`; None for nothing.
        worker: Which of several workers this is, from 0. All together get every example once.
        num_workers: How many there are.
        threads: That read ahead.

    Attributes:
        epoch: The epoch whose batches `dataset[i]` gives.

    Raises:
        ValueError: If an argument lies outside what is stated, or there are fewer examples than workers.
        UnknownNameError: If there is no such part or level.
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
        level: str = "chunk",
        shuffle: bool = True,
        mixup_alpha: float = 0.0,
        deform: Deform | None = None,
        worker: int = 0,
        num_workers: int = 1,
        threads: int = 1,
    ):
        super().__init__(workers=threads)
        self._cutting = Cutting(chunk_samples, chunk_frames, chunks_per_track, level, seed, deform)
        self._cutting.check(records)
        for name, value, least in (("batch_size", batch_size, 1), ("epoch", epoch, 0), ("mixup_alpha", mixup_alpha, 0)):
            if not value >= least:
                raise ValueError(f"`{name}` must be {least} or more. Received: {value}.")
        if not 0 <= worker < num_workers:
            raise ValueError(f"`worker` must be from 0 to {num_workers - 1}. Received: {worker}.")
        self.records, self.epoch = records, epoch
        self._tracks, self._labels = records.part(part), records.labels(part)
        if len(self._tracks) * self._cutting.per_track < num_workers:
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
        rows, k = np.divmod(examples, self._cutting.per_track)
        chunks = np.stack([self._example(self._tracks[row], which) for row, which in zip(rows, k, strict=True)])
        labels = self._labels[rows]
        if not self._mixup_alpha:
            return chunks, labels
        where = {"seed": self._cutting.seed, "epoch": self.epoch, "batch": index, "worker": self._worker}
        share = draw_share(self._mixup_alpha, **where)
        return tuple(mix(values, np.roll(values, 1, axis=0), share) for values in (chunks, labels))

    def on_epoch_end(self) -> None:
        """Moves on to the next epoch. Keras calls it, and once more where it looks at a batch before training."""
        self.set_epoch(self.epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch whose batches `dataset[i]` gives."""
        self.epoch = epoch
        self._set_order()

    def _set_order(self) -> None:
        """Which examples this worker gives in this epoch; example = row of the track * chunks a track + k."""
        order = np.arange(len(self._tracks) * self._cutting.per_track)
        if self._shuffle:
            order = np.argsort(stateless_hash(ORDER, self._cutting.seed, self.epoch, order), kind="stable")
        self._order = order[self._worker :: self._num_workers]

    def _example(self, track: StoredTrack, which: int) -> np.ndarray:
        record, cutting = self.records.read(track), self._cutting
        k = np.arange(cutting.chunks_per_track) if cutting.level == "song" else np.array([which])
        if cutting.chunk_frames:
            chunks = feature_chunks(record.features, record.track_index, cutting, self.epoch, k)
        else:
            chunks = to_floats(waveform_chunks(StoredAudio.of(record), cutting, self.epoch, k))
        return chunks if cutting.level == "song" else chunks[0]


class FollowEpochs(keras.callbacks.Callback):
    """Sets the dataset's epoch to that of `fit`, from `initial_epoch` on: a resumed run hears what it would have heard.

    Without it the dataset counts what Keras reports, which is one epoch ahead for a model that was not yet trained.

    Args:
        dataset: What `fit` is given.
    """

    def __init__(self, dataset: RecordsDataset):
        super().__init__()
        self._dataset = dataset

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Called by Keras before it asks for the first batch of an epoch."""
        self._dataset.set_epoch(epoch)


class EvaluationDataset(keras.utils.PyDataset):
    """Chunks and labels of an evaluation, for `model.predict`, `model.evaluate` and `validation_data`.

    `average_by_track(model.predict(dataset), batches.track_index)` gives the tracks' scores.

    Args:
        batches: Which chunks: an `evaluation.EvaluationBatches`.
    """

    def __init__(self, batches: EvaluationBatches):
        super().__init__()
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """`(chunks, labels)`. Without the track index: Keras would take a third element for weights."""
        return self._batches[index][:2]

import itertools
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_musictag.records import Deform, FollowEpochs, RecordsDataset, train_pipeline
from keras_musictag.records.mixup import draw_share
from tests.needs import BACKENDS
from tests.records.chunk_identity import identify_chunks
from tests.records.make import make_records

ROOT = Path(__file__).parents[2]
SIZE = 8000
SETTINGS = {"chunk_samples": SIZE, "batch_size": 5, "seed": 3}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return make_records(tmp_path_factory.mktemp("pcm"), 20, tracks_per_shard=3)


def dataset_of(records, **options):
    return RecordsDataset(records, **{**SETTINGS, **options})


def batches(records, **options):
    dataset = dataset_of(records, **options)
    return [dataset[index] for index in range(len(dataset))]


def indices(records):
    return [(track.track_index, 0) for track in records.part("train")]


def test_every_track_is_read_once_at_its_random_start(records):
    found = identify_chunks(batches(records), records, SIZE, seed=3)
    assert sorted(found) == indices(records)
    assert found != sorted(found)
    assert [len(chunks) for chunks, _ in batches(records)] == [5, 5, 2]


@pytest.mark.parametrize(
    "options",
    [
        {"chunks_per_track": 2},
        {"chunks_per_track": 2, "group_by_track": True},
        {"deform": Deform(1.0, pitch_semitones=None)},
    ],
    ids=["chunks", "grouped", "deformed"],
)
def test_tf_data_gives_the_same_examples(records, options):
    def examples(found):
        return sorted((chunk.tobytes(), label.tobytes()) for each in found for chunk, label in zip(*each, strict=True))

    expected = train_pipeline(records, **SETTINGS, epoch=4, **options).as_numpy_iterator()
    assert examples(batches(records, epoch=4, **options)) == examples(expected)


def test_the_next_epoch_follows(records):
    dataset = dataset_of(records)
    first = dataset[0][0]
    dataset.on_epoch_end()
    found = [dataset[index] for index in range(len(dataset))]
    assert dataset.epoch == 1
    assert sorted(identify_chunks(found, records, SIZE, seed=3, epoch=1)) == indices(records)
    np.testing.assert_array_equal(found[0][0], batches(records, epoch=1)[0][0])
    assert not np.array_equal(first, found[0][0])


@pytest.mark.parametrize("num_workers", [1, 2, 3])
def test_workers_share_the_examples(records, num_workers):
    shares = [
        identify_chunks(batches(records, worker=worker, num_workers=num_workers), records, SIZE, seed=3)
        for worker in range(num_workers)
    ]
    assert sorted(itertools.chain(*shares)) == indices(records)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_without_shuffling_tracks_come_in_order(records):
    assert identify_chunks(batches(records, shuffle=False), records, SIZE, seed=3) == indices(records)


def test_mixup_adds_each_example_to_its_neighbour(records):
    for index, (plain, mixed) in enumerate(
        zip(batches(records, epoch=2), batches(records, epoch=2, mixup_alpha=0.4), strict=True)
    ):
        share = draw_share(0.4, seed=3, epoch=2, batch=index)
        for values, found in zip(plain, mixed, strict=True):
            np.testing.assert_array_equal(found, share * values + (1 - share) * np.roll(values, 1, axis=0))


@pytest.mark.parametrize("threads", [1, 3])
def test_fit_reads_the_epochs_in_order(records, threads):
    """The weights after `fit` equal those after the same batches one by one."""
    model = keras.Sequential([keras.Input((SIZE,)), keras.layers.Dense(4, "sigmoid", kernel_initializer="zeros")])
    model.compile("sgd", "binary_crossentropy")
    start = model.get_weights()
    dataset = dataset_of(records, threads=threads)
    model.fit(dataset, initial_epoch=3, epochs=5, shuffle=False, callbacks=[FollowEpochs(dataset)], verbose=0)
    fitted = model.get_weights()
    model.set_weights(start)
    for chunks, labels in itertools.chain(*(batches(records, epoch=epoch) for epoch in (3, 4))):
        model.train_on_batch(chunks, labels)
    for one, other in zip(fitted, model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)  # sums in another order
    assert np.abs(fitted[0]).max() > 1e-3


def test_impossible_settings_are_refused(records):
    with pytest.raises(ValueError, match="`batch_size` must be 1 or more"):
        dataset_of(records, batch_size=0)
    with pytest.raises(ValueError, match="`mixup_alpha` must be 0 or more"):
        dataset_of(records, mixup_alpha=-1)
    with pytest.raises(ValueError, match="`worker` must be from 0 to 1. Received: 2"):
        dataset_of(records, worker=2, num_workers=2)
    with pytest.raises(ValueError, match="Each of 13 workers needs an example, .* has 12 tracks"):
        dataset_of(records, num_workers=13)
    with pytest.raises(IndexError, match="There are 3 batches. Received: index 3"):
        dataset_of(records)[3]


PROGRAM = """
import sys
import keras, numpy as np
from keras_musictag.records.evaluation_batches import EvaluationBatches, average_by_track
from keras_musictag.records.folder import Records
from keras_musictag.records.keras_dataset import EvaluationDataset, FollowEpochs, RecordsDataset
records = Records(sys.argv[1])
model = keras.Sequential([keras.Input((4000,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(4, "sigmoid")])
model.compile(keras.optimizers.SGD(1e-2), "binary_crossentropy")
dataset = RecordsDataset(records, chunk_samples=4000, batch_size=4)
start = model.get_weights()
model.fit(dataset, epochs=8, shuffle=False, callbacks=[FollowEpochs(dataset)], verbose=0)
fitted = model.get_weights()
model.set_weights(start)
for epoch in range(8):
    dataset.set_epoch(epoch)
    for index in range(len(dataset)):
        model.train_on_batch(*dataset[index])
assert np.abs(fitted[0] - start[0]).max() > 1e-3
for one, other in zip(fitted, model.get_weights()):
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
batches = EvaluationBatches(records, chunk_samples=4000, batch_size=8)
tracks, scores = average_by_track(model.predict(EvaluationDataset(batches), verbose=0), batches.track_index)
assert scores.shape == (len(records.part("test")), 4)
assert keras.backend.backend() == sys.argv[2]
assert "tensorflow" not in sys.modules
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_another_backend_trains_without_tensorflow(records, backend):
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, str(records.folder), backend]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]

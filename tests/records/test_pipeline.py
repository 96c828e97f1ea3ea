import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_musictag.errors import UnknownNameError
from keras_musictag.records import EvaluationBatches, steps_per_epoch, train_pipeline
from tests.records.chunk_identity import identify_chunks
from tests.records.make import make_records

SIZE = 8000
SETTINGS = {"chunk_samples": SIZE, "batch_size": 5, "seed": 3}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """18 tracks to train on, of 2 s and more, in 6 shards."""
    return make_records(tmp_path_factory.mktemp("pcm"), 30, tracks_per_shard=3)


def batches(records, **options):
    return list(train_pipeline(records, **{**SETTINGS, **options}).as_numpy_iterator())


def assert_same(some, others):
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def indices(records, part="train"):
    return [(track.track_index, 0) for track in records.part(part)]


def test_every_track_is_read_once_at_its_random_start(records):
    found = identify_chunks(batches(records), records, SIZE, seed=3)
    assert sorted(found) == indices(records)
    assert found != sorted(found)


def test_shapes_and_the_number_of_steps_are_known(records):
    dataset = train_pipeline(records, **SETTINGS, epochs=3)
    assert dataset.element_spec[0].shape.as_list() == [None, SIZE]
    assert dataset.element_spec[1].shape.as_list() == [None, 4]
    assert len(dataset) == 3 * steps_per_epoch(records, batch_size=5) == 12
    assert [len(chunks) for chunks, _ in dataset.as_numpy_iterator()] == [5, 5, 5, 3] * 3


def test_a_smaller_last_batch_can_be_left_out(records):
    assert [len(chunks) for chunks, _ in batches(records, drop_remainder=True)] == [5, 5, 5]


@pytest.mark.parametrize("num_parallel_calls", [1, 2, 7])
def test_batches_do_not_depend_on_threads(records, num_parallel_calls):
    again = batches(records, epochs=2, chunks_per_track=2, num_parallel_calls=num_parallel_calls)
    assert_same(batches(records, epochs=2, chunks_per_track=2), again)


def test_a_dataset_repeats_itself(records):
    dataset = train_pipeline(records, **SETTINGS, mixup_alpha=0.4)
    assert_same(list(dataset.as_numpy_iterator()), list(dataset.as_numpy_iterator()))


def test_batches_do_not_depend_on_the_global_seed(records):
    before = batches(records, mixup_alpha=0.4)
    keras.utils.set_random_seed(99)
    assert_same(before, batches(records, mixup_alpha=0.4))


def test_several_epochs_equal_single_ones(records):
    assert_same(batches(records, epoch=4, epochs=2), batches(records, epoch=4) + batches(records, epoch=5))


def test_a_variable_chooses_the_epoch_of_a_dataset(records):
    epoch, several = tf.Variable(7, dtype=tf.int64), batches(records, epoch=3, epochs=2, mixup_alpha=0.4)
    dataset = train_pipeline(records, **SETTINGS, epoch=epoch, mixup_alpha=0.4)
    for number, wanted in ((4, several[4:]), (3, several[:4])):
        epoch.assign(number)
        assert_same(list(dataset.as_numpy_iterator()), wanted)


def test_epochs_differ_in_order_and_starts(records):
    first, second = batches(records), batches(records, epoch=1)
    orders = [identify_chunks(each, records, SIZE, seed=3, epoch=epoch) for epoch, each in enumerate((first, second))]
    assert orders[0] != orders[1]
    chunks = [{chunk.tobytes() for chunk in np.concatenate([b[0] for b in each])} for each in (first, second)]
    assert not chunks[0] & chunks[1]


def test_the_shuffle_buffer_does_not_change_the_starts(records):
    orders = [identify_chunks(batches(records, shuffle_buffer=n), records, SIZE, seed=3) for n in (1, 18)]
    assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1])


def test_without_shuffling_tracks_keep_their_order(records):
    stored = sorted(records.part("train"), key=lambda track: (track.shard, track.offset))
    found = identify_chunks(batches(records, shuffle=False), records, SIZE, seed=3)
    assert [index for index, _ in found] == [track.track_index for track in stored]


@pytest.mark.parametrize(("num_workers", "shuffle"), [(3, True), (2, False)])
def test_workers_share_the_tracks_at_the_same_starts(records, num_workers, shuffle):
    shares = []
    for worker in range(num_workers):
        options = {"worker": worker, "num_workers": num_workers, "epoch": 2, "shuffle": shuffle}
        found = batches(records, **options)
        assert len(found) == steps_per_epoch(records, batch_size=5, seed=3, **options)
        shares.append(identify_chunks(found, records, SIZE, seed=3, epoch=2))
    assert all(shares)
    assert sorted(itertools.chain(*shares)) == indices(records)


def test_a_worker_needs_a_shard(records):
    with pytest.raises(ValueError, match=r"Each of 7 workers needs a shard, and the part 'train' .* has 6"):
        batches(records, num_workers=7)
    with pytest.raises(ValueError, match="`worker` must be from 0 to 1. Received: 2"):
        batches(records, worker=2, num_workers=2)
    with pytest.raises(ValueError, match="pass `epoch` as a number, not a variable. Received: num_workers=2"):
        batches(records, epoch=tf.Variable(0, dtype=tf.int64), num_workers=2)


def test_chunks_of_a_track_are_separate_examples(records):
    found = identify_chunks(batches(records, chunks_per_track=3), records, SIZE, seed=3, count=3)
    assert sorted(found) == [(index, k) for index, _ in indices(records) for k in range(3)]
    assert len({index for index, _ in found[:3]}) > 1  # shuffled, not track by track


def test_grouped_chunks_of_a_track_stay_together(records):
    found = batches(records, chunks_per_track=3, group_by_track=True)
    assert found[0][0].shape == (5, 3, SIZE)
    flat = [(chunks.reshape(-1, SIZE), np.repeat(labels, 3, axis=0)) for chunks, labels in found]
    order = identify_chunks(flat, records, SIZE, seed=3, count=3)
    assert [k for _, k in order] == [0, 1, 2] * 18
    assert order[0][0] == order[1][0] == order[2][0]


def test_a_shorter_track_is_padded_with_zeros(records):
    longest = max(track.num_samples for track in records.part("train"))
    found = batches(records, chunk_samples=longest + 100)
    assert sorted(identify_chunks(found, records, longest + 100, seed=3)) == indices(records)
    assert not np.concatenate([chunks for chunks, _ in found])[:, -100:].any()


@pytest.mark.parametrize("part", ["valid", "test"])
def test_the_other_parts_can_be_read_too(records, part):
    assert sorted(identify_chunks(batches(records, part=part), records, SIZE, part, seed=3)) == indices(records, part)


def test_keras_runs_through_the_epochs(records):
    model = keras.Sequential([keras.Input((SIZE,)), keras.layers.Dense(4, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    dataset = train_pipeline(records, **SETTINGS, epochs=2)
    validation = EvaluationBatches(records, "valid", chunk_samples=SIZE, batch_size=8)
    validation = [np.concatenate(column) for column in zip(*validation, strict=True)][:2]
    history = model.fit(
        dataset,
        epochs=2,
        steps_per_epoch=steps_per_epoch(records, batch_size=5),
        validation_data=tuple(validation),
        verbose=0,
    )
    assert len(history.history["loss"]) == 2 and np.isfinite(history.history["val_loss"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chunk_samples": None}, "Give either `chunk_samples`"),
        ({"chunk_frames": 10}, "Give either `chunk_samples`"),
        ({"chunk_samples": None, "chunk_frames": 10}, "has none"),
        ({"chunk_samples": 0}, "must be 1 or more. Received: 0"),
        ({"chunks_per_track": 0}, "`chunks_per_track` must be 1 or more"),
        ({"batch_size": 0}, "`batch_size` must be 1 or more"),
        ({"epochs": 0}, "`epochs` must be 1 or more"),
        ({"epoch": -1}, "`epoch` must be 0 or more"),
        ({"shuffle_buffer": 0}, "`shuffle_buffer` must be 1 or more"),
        ({"mixup_alpha": -0.1}, "`mixup_alpha` must be 0 or more"),
    ],
)
def test_impossible_settings_are_refused(records, options, message):
    with pytest.raises(ValueError, match=message):
        train_pipeline(records, **{**SETTINGS, **options})


@pytest.mark.parametrize(("name", "value"), [("part", "dev"), ("decoder", "lame")])
def test_unknown_names_are_refused(records, name, value):
    with pytest.raises(UnknownNameError, match=f"There is no {name} '{value}'"):
        train_pipeline(records, **{**SETTINGS, name: value})


def test_a_part_without_tracks_is_refused(tmp_path):
    records = make_records(tmp_path, 3)  # all of them to train on
    with pytest.raises(ValueError, match="'test' .* has no tracks"):
        train_pipeline(records, "test", **SETTINGS)


def test_tf_distribute_does_not_split_the_files_again(records):
    options = train_pipeline(records, **SETTINGS).options()
    assert options.deterministic
    assert options.experimental_distribute.auto_shard_policy == tf.data.experimental.AutoShardPolicy.OFF

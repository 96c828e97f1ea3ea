import keras
import pytest
import tensorflow as tf

from keras_musictag.errors import RecordsError
from keras_musictag.records import (
    Records,
    RecordsDataset,
    evaluation_pipeline,
    find_damage,
    naming_damage,
    train_pipeline,
)
from tests.records.make import make_records

SETTINGS = {"chunk_samples": 4000, "batch_size": 4}


@pytest.fixture
def records(tmp_path):
    return make_records(tmp_path, 20, tracks_per_shard=3)


def flip(records, track, place=3000):
    """Changes one bit of a track's samples, or of the length before it."""
    path = records.folder / track.shard
    content = bytearray(path.read_bytes())
    content[track.offset + place] ^= 1
    path.write_bytes(content)


class CountEpochs(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1


def fit(dataset):
    """The epochs that were completed; raises what training raises."""
    model = keras.Sequential([keras.Input((4000,)), keras.layers.Dense(4, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    counter = CountEpochs()
    try:
        model.fit(dataset, epochs=2, steps_per_epoch=3, callbacks=[counter], verbose=0)
    finally:
        fit.epochs = counter.epochs


@pytest.mark.parametrize("place", [3000, 2], ids=["samples", "length"])
def test_damage_in_training_names_track_shard_and_byte(records, place):
    track = records.part("train")[5]
    flip(records, track, place)
    where = rf"{track.track_id}.*{track.shard}, record at byte {track.offset}: the checksum"
    with pytest.raises(RecordsError, match=where), naming_damage(records):
        fit(train_pipeline(records, **SETTINGS, epochs=2))
    assert fit.epochs == 0


def test_training_without_damage_runs_unchanged(records):
    with naming_damage(records):
        fit(train_pipeline(records, **SETTINGS, epochs=2))
    assert fit.epochs == 2
    assert find_damage(records) is None


def test_damage_without_tensorflow_names_the_shard(records):
    track = records.part("train")[5]
    flip(records, track)
    with pytest.raises(RecordsError, match=f"{track.shard}, record at byte {track.offset}: the checksum"):
        for index in range(len(dataset := RecordsDataset(records, **SETTINGS))):
            dataset[index]


def test_damage_in_evaluation_is_named(records):
    track = records.part("test")[1]
    flip(records, track)
    with pytest.raises(RecordsError, match=f"{track.track_id}.*{track.shard}"), naming_damage(records):
        list(evaluation_pipeline(records, **SETTINGS))


def test_damage_that_is_gone_is_still_an_error(records):
    with pytest.raises(RecordsError, match="now all of them can"), naming_damage(records):
        raise tf.errors.DataLossError(None, None, "corrupted record at 0")


@pytest.mark.parametrize("error", [ValueError("mine"), tf.errors.UnknownError(None, None, "another")])
def test_other_errors_pass_unchanged(records, error):
    with pytest.raises(type(error)) as caught, naming_damage(records):
        raise error
    assert caught.value is error


def test_opening_finds_missing_and_shortened_shards(records):
    path = records.shards("train")[1]
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(RecordsError, match=f"{path.name}.* has {len(content) - 1} bytes; expected {len(content)}"):
        Records(records.folder)
    path.unlink()
    with pytest.raises(RecordsError, match=f"{path.name}.* is missing"):
        Records(records.folder)


def test_a_shard_that_vanishes_in_training_is_named(records):
    records.shards("train")[1].unlink()
    with pytest.raises(tf.errors.NotFoundError, match=records.shards("train")[1].name), naming_damage(records):
        list(train_pipeline(records, **SETTINGS))

import keras
import numpy as np
import pytest

from keras_musictag.audio import Chunking, cut
from keras_musictag.errors import UnknownNameError
from keras_musictag.records import (
    EvaluationBatches,
    EvaluationDataset,
    StoredAudio,
    average_by_track,
    evaluation_pipeline,
)
from tests.records.make import make_records

SETTINGS = {"chunk_samples": 6000, "batch_size": 7}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return make_records(tmp_path_factory.mktemp("pcm"), 15, tracks_per_shard=2)


def waveform(records, track):
    return StoredAudio.of(records.read(track)).pcm().astype(np.float32) / np.float32(32768)


def columns(batches):
    return [np.concatenate(column) for column in zip(*batches, strict=True)]


def test_chunks_are_those_of_the_2020_evaluation(records):
    chunks, labels, track_index = columns(EvaluationBatches(records, "test", **SETTINGS))
    expected, tracks = [], records.part("test")
    for track in tracks:
        samples = waveform(records, track)
        hop = (len(samples) - 6000) // 16
        expected += [samples[i * hop : i * hop + 6000] for i in range(16)]
    np.testing.assert_array_equal(chunks, expected)
    np.testing.assert_array_equal(labels, np.repeat(records.labels("test"), 16, axis=0))
    np.testing.assert_array_equal(track_index, np.repeat([track.track_index for track in tracks], 16))
    assert chunks.dtype == labels.dtype == np.float32 and len(tracks) == 3


def test_full_coverage_gives_the_chunks_of_a_tagger(records):
    chunks, _, track_index = columns(EvaluationBatches(records, "valid", **SETTINGS, hop_samples=6000))
    chunking = Chunking(chunk_samples=6000, hop_samples=6000)
    for track in records.part("valid"):
        expected = [chunk for _, chunk in cut([waveform(records, track)], chunking)]
        np.testing.assert_array_equal(chunks[track_index == track.track_index], expected)
    assert (np.diff(track_index) >= 0).all()


def test_a_short_track_is_padded_with_zeros(records):
    longest = max(track.num_samples for track in records) + 50
    batches = EvaluationBatches(records, "test", chunk_samples=longest, batch_size=4, chunks=2)
    assert not columns(batches)[0][:, -50:].any()


@pytest.mark.parametrize("hop_samples", [None, 2500])
def test_tf_data_gives_the_same_batches(records, hop_samples):
    batches = list(EvaluationBatches(records, "test", **SETTINGS, hop_samples=hop_samples))
    dataset = evaluation_pipeline(records, "test", **SETTINGS, hop_samples=hop_samples)
    assert len(dataset) == len(batches)
    assert [spec.shape.as_list() for spec in dataset.element_spec] == [[None, 6000], [None, 4], [None]]
    for found, expected in zip(dataset.as_numpy_iterator(), batches, strict=True):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype


def test_source_records_give_the_same_batches(records, tmp_path):
    sources = make_records(tmp_path, 15, tracks_per_shard=2, storage="source")
    for one, other in zip(*(EvaluationBatches(r, "test", **SETTINGS) for r in (records, sources)), strict=True):
        np.testing.assert_array_equal(one[0], other[0])


def test_the_track_index_is_known_without_reading(records):
    batches = EvaluationBatches(records, "test", **SETTINGS)
    np.testing.assert_array_equal(batches.track_index, columns(batches)[2])


def test_keras_validates_and_predicts(records):
    model = keras.Sequential([keras.Input((6000,)), keras.layers.Dense(4, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    batches = EvaluationBatches(records, "test", **SETTINGS)
    dataset = evaluation_pipeline(records, "test", **SETTINGS, with_track_index=False)
    loss = model.evaluate(dataset, verbose=0)
    assert loss == pytest.approx(
        model.evaluate(EvaluationDataset(batches), verbose=0), rel=1e-5
    )  # sums in another order
    tracks, scores = average_by_track(model.predict(EvaluationDataset(batches), verbose=0), batches.track_index)
    assert tracks.tolist() == [track.track_index for track in records.part("test")]
    by_hand = model.predict(columns(batches)[0], verbose=0).reshape(3, 16, 4).mean(axis=1)
    np.testing.assert_allclose(scores, by_hand, rtol=0, atol=1e-6)  # another batch size


def test_the_average_takes_chunks_in_any_order():
    tracks, scores = average_by_track(np.array([[0.0, 0.5], [0.25, 1.0], [1.0, 0.5]]), np.array([9, 2, 9]))
    assert tracks.tolist() == [2, 9]
    assert scores.tolist() == [[0.25, 1.0], [0.5, 0.5]]
    assert average_by_track(np.array([[0.0], [1.0]]), np.array([1, 1]), "max")[1].tolist() == [[1.0]]


def test_impossible_settings_are_refused(records, tmp_path):
    for name in ("chunk_samples", "batch_size"):
        with pytest.raises(ValueError, match=f"`{name}` must be 1 or more"):
            EvaluationBatches(records, **{**SETTINGS, name: 0})
    with pytest.raises(UnknownNameError, match="There is no part 'dev'"):
        EvaluationBatches(records, "dev", **SETTINGS)
    with pytest.raises(ValueError, match="Received: 2 scores, 3 indices"):
        average_by_track(np.zeros((2, 1)), np.zeros(3))
    with pytest.raises(ValueError, match="'test' .* has no tracks"):
        EvaluationBatches(make_records(tmp_path, 3), **SETTINGS)
    with pytest.raises(IndexError, match="There are 7 batches. Received: index 7"):
        EvaluationBatches(records, **SETTINGS)[7]

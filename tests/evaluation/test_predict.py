"""A model's scores of a part: the chunks of the 2020 evaluation, in the order of the records' tags."""

import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag.audio import to_floats
from keras_musictag.errors import DatasetError
from keras_musictag.evaluation import Resampling, evaluate, predict, read_run
from keras_musictag.evaluation.predicting import network_hash
from keras_musictag.records import StoredAudio, prepare
from tests.records.make import TAGS, make_manifest, make_records


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return make_records(tmp_path_factory.mktemp("predict"), num_tracks=15, seconds=6.0)


@pytest.fixture(scope="module")
def tagger():
    import keras

    keras.utils.set_random_seed(0)
    return kmt.build("vgg", tags=TAGS)


@pytest.fixture(scope="module")
def predictions(tagger, records):
    return predict(tagger, records, "test", chunks=4)


def samples_of(records, track):
    return to_floats(StoredAudio.of(records.read(track)).pcm())


def test_a_tracks_score_is_the_mean_of_the_spread_chunks(predictions, tagger, records):
    track = records.part("test")[1]
    samples = samples_of(records, track)
    hop = (len(samples) - tagger.input_shape[1]) // 4
    chunks = np.stack([samples[i * hop : i * hop + tagger.input_shape[1]] for i in range(4)])
    expected = tagger.predict(chunks, verbose=0)
    assert predictions.track_ids[1] == track.track_id
    # the runner folds normalisation into convolutions: another order of float32 sums
    np.testing.assert_allclose(predictions.chunk_scores[predictions.chunk_tracks == 1], expected, atol=1e-5)
    np.testing.assert_allclose(predictions.scores[1], expected.mean(axis=0), atol=1e-5)


def test_targets_come_from_the_records_and_facts_from_the_model(predictions, tagger, records):
    np.testing.assert_array_equal(predictions.targets, records.labels("test") > 0)
    assert predictions.source.split_sha256 == records.info["split_sha256"]
    assert predictions.facts["network"] == network_hash(tagger)
    assert predictions.facts["parameters"] == tagger.count_params()
    assert predictions.facts["multiply_adds"] > 1e8
    assert predictions.facts["chunks_per_second"] > 0


def test_outputs_are_sorted_into_the_order_of_the_records(predictions, tagger, records):
    turned = kmt.build("vgg", tags=tuple(reversed(TAGS)))
    turned.set_weights(tagger.get_weights())
    found = predict(turned, records, "test", chunks=4)
    np.testing.assert_allclose(found.scores, predictions.scores[:, ::-1], atol=1e-6)
    assert tuple(found.vocabulary) == tuple(TAGS)


def test_a_model_with_other_tags_is_refused(records):
    missing = "The model has 2 tags; 3 of the 4 tags of the records are missing .such as 'calm', 'jazz'"
    with pytest.raises(DatasetError, match=f"must have the same tags. {missing}"):
        predict(kmt.build("vgg", tags=["rock", "polka"]), records, "test")


def test_a_hop_covers_the_whole_track(tagger, records):
    found = predict(tagger, records, "test", hop_seconds=1.0)
    lengths = np.array([track.num_samples for track in records.part("test")])
    expected = np.ceil((lengths - tagger.input_shape[1]) / 16000).astype(int) + 1
    assert np.bincount(found.chunk_tracks).tolist() == expected.tolist()


def test_a_deformation_gets_the_whole_track_its_rate_and_index(tagger, records):
    seen = []

    def silence(samples, sample_rate_hz, track_index):
        seen.append((len(samples), sample_rate_hz, track_index))
        return 0 * samples[:20000]  # shorter than a chunk

    found = predict(tagger, records, "test", deform=silence, deformation="silence")
    assert seen == [(track.num_samples, 16000, track.track_index) for track in records.part("test")]
    assert found.source.deformation == "silence"
    assert np.ptp(found.scores, axis=0).max() == 0


def interrupted_after(count):
    def progress(done, total):
        if done == count:
            raise KeyboardInterrupt

    return progress


def test_an_interrupted_evaluation_resumes(predictions, tagger, records, tmp_path):
    options = {"chunks": 4, "resume_file": tmp_path / "partial.npz"}
    with pytest.raises(KeyboardInterrupt):
        predict(tagger, records, "test", progress=interrupted_after(2), **options)
    reported = []
    found = predict(tagger, records, "test", progress=lambda done, total: reported.append(done), **options)
    assert reported == [3]
    np.testing.assert_array_equal(found.chunk_scores, predictions.chunk_scores)


def test_scores_of_another_model_or_damaged_ones_are_not_reused(tagger, records, tmp_path):
    options = {"chunks": 4, "resume_file": tmp_path / "partial.npz"}
    predict(tagger, records, "test", **options)
    other = kmt.build("vgg", tags=TAGS)
    reported = []
    predict(other, records, "test", progress=lambda done, total: reported.append(done), **options)
    assert reported == [1, 2, 3]
    options["resume_file"].write_bytes(options["resume_file"].read_bytes()[:1000])
    reported.clear()
    predict(other, records, "test", progress=lambda done, total: reported.append(done), **options)
    assert reported == [1, 2, 3]


def test_evaluate_writes_a_run_that_can_be_recomputed(tagger, records, tmp_path):
    report = evaluate(tagger, records.folder, tmp_path / "run", name="mine", chunks=2, resampling=Resampling(20))
    run = read_run(tmp_path / "run")
    assert (run.report.model, len(run.predictions), run.report.valid_tracks) == ("mine", 3, 3)
    assert set(run.report.thresholds) <= set(TAGS)
    assert run.report.to_json() == report.to_json()
    assert not list((tmp_path / "run").glob(".*"))


def test_a_part_without_tracks_is_reported_first(tagger, tmp_path):
    made = make_manifest(tmp_path / "audio", num_tracks=5, seconds=0.5)
    tracks = tuple(track for track in made.tracks if track.part != "test")
    records = prepare(make_manifest(tmp_path / "audio", 5, 0.5, tracks=tracks), tmp_path / "records", jobs=1)
    reported = []
    with pytest.raises(DatasetError, match="no tracks in the part 'test'"):
        evaluate(tagger, records.folder, tmp_path / "run", progress=lambda done, total: reported.append(done))
    assert reported == []

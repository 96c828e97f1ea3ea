"""Deformations, mixup, features, and records that keep the compressed file."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from keras_musictag.records import Deform, Records, train_pipeline
from keras_musictag.records.crops import cut_at, random_starts
from keras_musictag.records.folder import DATASET_FILE, TRACKS_FILE
from keras_musictag.records.mixup import draw_share
from keras_musictag.records.schema import decode, encode, read_records, to_tfrecord
from tests.records.chunk_identity import identify_chunks
from tests.records.make import make_records

SIZE = 8000
SETTINGS = {"chunk_samples": SIZE, "batch_size": 4, "seed": 3}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return make_records(tmp_path_factory.mktemp("pcm"), 10, tracks_per_shard=3)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """WAV and FLAC, some of them 44.1 kHz stereo."""
    return make_records(tmp_path_factory.mktemp("source"), 10, tracks_per_shard=3, storage="source")


@pytest.fixture(scope="module")
def with_features(records, tmp_path_factory):
    """Records with added features: 8 bands of noise and about 100 frames per track."""
    folder = tmp_path_factory.mktemp("features") / "records"
    shutil.copytree(records.folder, folder)
    info, rows = json.loads((folder / DATASET_FILE).read_text()), {}
    random = np.random.default_rng(0)
    for name, facts in info["shards"].items():
        stored = [decode(payload) for _, payload in read_records(folder / name)]
        offset, frames = 0, []
        for record in stored:
            features = random.random((100 + record.track_index, 8)).astype(np.float32)
            frames.append(to_tfrecord(encode(replace(record, features=features))))
            rows[record.track_index] = offset
            offset += len(frames[-1])
        (folder / name).write_bytes(b"".join(frames))
        facts["bytes"] = offset
    (folder / DATASET_FILE).write_text(json.dumps({**info, "features": {"name": "noise"}}))
    tracks = [replace(track, offset=rows[track.track_index]).to_row() for track in records]
    with open(folder / TRACKS_FILE, "w", newline="") as file:
        writer = csv.DictWriter(file, tracks[0])
        writer.writeheader()
        writer.writerows(tracks)
    return Records(folder)


def batches(records, **options):
    return list(train_pipeline(records, **{**SETTINGS, **options}).as_numpy_iterator())


def assert_same(some, others):
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("options", [{}, {"chunks_per_track": 3}, {"chunks_per_track": 2, "group_by_track": True}])
def test_source_records_give_the_same_batches(records, sources, options):
    assert sources.storage == "source"
    assert_same(batches(records, **options), batches(sources, **options))


def test_the_demo_mp3_gives_the_same_crops(tmp_path):
    """Tracks of 29 s: most of each is not decoded."""
    from keras_musictag import demo_clip
    from keras_musictag.records import Manifest, Track, prepare
    from tests.records.make import TAGS

    tracks = tuple(Track(f"{i}", demo_clip().name, ("rock",), "train") for i in range(4))
    manifest = Manifest("demo", "1", "all", TAGS, demo_clip().parent, tracks, licence="", citation="")
    both = [prepare(manifest, tmp_path / storage, storage=storage, jobs=1) for storage in ("pcm", "source")]
    pcm, source = (batches(records, epochs=3) for records in both)
    assert_same(pcm, source)
    assert len({chunk.tobytes() for chunks, _ in source for chunk in chunks}) == 12


def test_a_decoder_may_run_on_the_graph(records, tmp_path):
    """TensorFlow's decoder for WAV gives the same crops as PyAV."""
    from keras_musictag.records import Manifest, Track, prepare
    from tests.records.make import TAGS, make_manifest

    made = make_manifest(tmp_path / "audio", 12)
    tracks = [track for i, track in enumerate(made.tracks) if i % 3 and i % 4 != 3]  # 16 kHz mono WAV
    tracks = tuple(Track(t.track_id, t.path, t.tags, "train") for t in tracks)
    manifest = Manifest("wav", "1", "all", TAGS, tmp_path / "audio", tracks, licence="", citation="")
    records = prepare(manifest, tmp_path / "records", storage="source", jobs=1)

    def decoder(file, num_samples):
        samples = tf.audio.decode_wav(file).audio[:, 0]
        return tf.ensure_shape(samples[:num_samples], [None])

    longest = max(track.num_samples for track in records) + 10
    for options in ({}, {"chunks_per_track": 2, "group_by_track": True}, {"chunk_samples": longest}):
        assert_same(batches(records, **options), batches(records, decoder=decoder, **options))


def test_mixup_adds_each_example_to_its_neighbour(records):
    plain, mixed = batches(records, epoch=5), batches(records, epoch=5, mixup_alpha=0.4)
    shares = [draw_share(0.4, seed=3, epoch=5, batch=index) for index in range(len(plain))]
    assert len(set(shares)) == len(shares) > 1
    for share, one, other in zip(shares, plain, mixed, strict=True):
        for values, found in zip(one, other, strict=True):
            expected = share * values + (1 - share) * values[np.arange(len(values)) - 1]
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)  # float32, perhaps fused


def test_deformations_change_the_samples_and_repeat(records):
    deform = Deform(probability=0.5, pitch_semitones=None, dynamic_range=())
    first, again = (batches(records, deform=deform) for _ in range(2))
    assert_same(first, again)
    plain = {chunk.tobytes() for chunk in np.concatenate([chunks for chunks, _ in batches(records)])}
    unchanged = [chunk.tobytes() in plain for chunk in np.concatenate([chunks for chunks, _ in first])]
    assert 0 < sum(unchanged) < len(unchanged)


def test_deforming_gives_the_same_in_either_storage(records, sources):
    deform = Deform(probability=1.0, pitch_semitones=None, dynamic_range=())
    assert_same(batches(records, deform=deform), batches(sources, deform=deform))


def test_with_no_probability_nothing_changes(records):
    assert_same(batches(records), batches(records, deform=Deform(probability=0.0)))


def test_crops_of_stored_features(with_features):
    found = batches(
        with_features, chunk_samples=None, chunk_frames=30, chunks_per_track=2, group_by_track=True, epoch=1
    )
    assert found[0][0].shape == (4, 2, 30, 8)
    expected = {}
    for track in with_features.part("train"):
        features = with_features.read(track).features
        where = {"seed": 3, "epoch": 1, "track_index": track.track_index, "k": np.arange(2)}
        expected[cut_at(features, random_starts(len(features), 30, **where), 30).tobytes()] = track
    for chunks in np.concatenate([chunks for chunks, _ in found]):
        expected.pop(chunks.tobytes())
    assert not expected


def test_waveforms_can_be_read_from_records_with_features(with_features):
    assert len(identify_chunks(batches(with_features), with_features, SIZE, seed=3)) == 6


def test_features_are_not_deformed(with_features):
    with pytest.raises(ValueError, match="`deform` works on samples"):
        batches(with_features, chunk_samples=None, chunk_frames=30, deform=Deform())

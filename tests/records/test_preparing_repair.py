"""A finished folder that has lost a file is repaired by the same command."""

import os
from dataclasses import replace

import pytest

from keras_musictag.errors import DatasetError, RecordsError
from keras_musictag.records import Skipped, Track, check_records, prepare
from tests.records.make import make_manifest


@pytest.fixture
def manifest(tmp_path):
    """Ten tracks, another one that is not audio, and one that the dataset leaves out."""
    made = make_manifest(tmp_path / "audio", 10, seconds=0.2)
    (tmp_path / "audio" / "words.mp3").write_text("just words")
    tracks = (*made.tracks, Track("words", "words.mp3", (), "train"))
    return replace(made, tracks=tracks, skipped=(Skipped("track-000", "copy.wav", "A copy."),))


@pytest.fixture
def out(manifest, tmp_path):
    with pytest.warns(UserWarning, match="1 track could not be used"):
        write(manifest, tmp_path / "records")
    return tmp_path / "records"


def write(manifest, out):
    return prepare(manifest, out, jobs=1, tracks_per_shard=3)


def contents(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def cut(path):
    os.truncate(path, path.stat().st_size - 1)


@pytest.mark.parametrize("damage", [os.remove, cut])
@pytest.mark.parametrize("number", [0, 1, 2])  # one of these contains the skipped track
@pytest.mark.filterwarnings("ignore:1 track could not be used")
def test_only_a_missing_or_shortened_shard_is_rewritten(manifest, out, damage, number):
    before = contents(out)
    shard = out / f"train-0000{number}-of-00003.tfrecord"
    times = {path: path.stat().st_mtime_ns for path in out.glob("*.tfrecord") if path != shard}
    damage(shard)
    write(manifest, out)
    assert contents(out) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


@pytest.mark.filterwarnings("ignore:1 track could not be used")
def test_the_advice_for_a_flipped_byte_repairs_it(manifest, out):
    before = contents(out)
    shard = out / "test-00000-of-00001.tfrecord"
    data = bytearray(shard.read_bytes())
    data[500] ^= 1
    shard.write_bytes(data)
    (finding,) = check_records(out)
    assert "delete it and run the same `keras-musictag prepare` command" in finding.message
    (out / finding.shard).unlink()
    write(manifest, out)
    assert contents(out) == before and check_records(out) == ()


@pytest.mark.parametrize("name", ["tracks.csv", "skipped.csv"])
@pytest.mark.parametrize("lost", ["all", "the last line"])
@pytest.mark.filterwarnings("ignore:1 track could not be used")
def test_a_missing_or_shortened_table_is_rewritten(manifest, out, name, lost):
    before = contents(out)
    table = out / name
    if lost == "all":
        table.unlink()
    else:
        table.write_bytes(b"".join(table.read_bytes().splitlines(keepends=True)[:-1]))
    write(manifest, out)
    assert contents(out) == before


def test_missing_audio_costs_no_records(manifest, out):
    shard = out / "test-00000-of-00001.tfrecord"
    before, data = contents(out), shard.read_bytes()
    shard.unlink()
    manifest.audio_folder.rename(manifest.audio_folder.with_name("away"))
    with pytest.raises(DatasetError, match="2 of 11 files of made are missing"):
        write(manifest, out)
    shard.write_bytes(data)  # copied from elsewhere
    write(manifest, out)
    assert contents(out) == before


def test_damage_does_not_hide_other_options(manifest, out):
    (out / "test-00000-of-00001.tfrecord").unlink()
    before = contents(out)
    with pytest.raises(RecordsError, match="prepared with other settings: storage 'pcm', now 'source'"):
        prepare(manifest, out, jobs=1, tracks_per_shard=3, storage="source")
    assert contents(out) == before

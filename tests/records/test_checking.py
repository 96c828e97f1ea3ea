import csv
import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from keras_musictag.records import Records, Track, check_records, prepare
from keras_musictag.records.schema import decode, encode, read_records, to_tfrecord
from tests.records.make import make_manifest, make_records, make_samples


@pytest.fixture(scope="module", params=["pcm", "source"])
def made(request, tmp_path_factory):
    return make_records(tmp_path_factory.mktemp(request.param), 10, seconds=0.5, storage=request.param)


@pytest.fixture
def copy(made, tmp_path):
    """A folder of records that a test may damage."""
    return shutil.copytree(made.folder, tmp_path / "records")


def rewrite(folder, track_id: str, change) -> None:
    """Replaces a track's record with a changed one of the same size, with valid checksums."""
    track = next(track for track in Records(folder) if track.track_id == track_id)
    shard = folder / track.shard
    payloads = [payload for _, payload in read_records(shard)]
    index = next(i for i, payload in enumerate(payloads) if decode(payload).track_id == track_id)
    changed = encode(change(decode(payloads[index])))
    assert len(changed) == len(payloads[index])
    payloads[index] = changed
    shard.write_bytes(b"".join(map(to_tfrecord, payloads)))


def edit_json(folder, change) -> None:
    path = folder / "dataset.json"
    info = json.loads(path.read_text())
    change(info)
    path.write_text(json.dumps(info))


def edit_rows(folder, change) -> None:
    path = folder / "tracks.csv"
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    change(rows)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize("decode_audio", [False, True])
def test_intact_records_have_no_findings(made, decode_audio):
    reported = []
    assert check_records(made.folder, decode_audio=decode_audio, report=lambda *counts: reported.append(counts)) == ()
    assert reported == [(done, 10) for done in range(1, 11)]


@pytest.mark.parametrize("where", ["length", "its checksum", "content", "checksum"])
def test_a_flipped_byte_is_the_only_finding(copy, where):
    track = Records(copy).part("train")[2]
    shard = copy / track.shard
    data = bytearray(shard.read_bytes())
    length = int.from_bytes(data[track.offset : track.offset + 8], "little")
    data[track.offset + {"length": 1, "its checksum": 9, "content": 700, "checksum": 12 + length}[where]] ^= 4
    shard.write_bytes(data)
    (finding,) = check_records(copy)
    assert (finding.level, finding.kind) == ("error", "checksum")
    assert (finding.shard, finding.offset, finding.track_id) == (track.shard, track.offset, track.track_id)
    assert "delete it and run the same `keras-musictag prepare` command" in finding.message
    assert track.shard not in finding.message  # the finding names it separately


def test_missing_and_shortened_shards_are_found(copy):
    shard = copy / "test-00000-of-00001.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-1])
    size, record = check_records(copy)
    assert size.kind == "size" and "has" in size.message
    assert (record.kind, record.shard) == ("record", shard.name) and "ends inside the record" in record.message
    shard.unlink()
    (missing,) = check_records(copy)
    assert missing.kind == "size" and "is missing" in missing.message


CHANGES = {
    "track_id": lambda record: replace(record, track_id="track-999"),
    "num_samples": lambda record: replace(record, num_samples=record.num_samples + 1),
    "labels": lambda record: replace(record, labels=record.labels[::-1].copy()),
    "audio": lambda record: replace(record, audio=record.audio[:-1] + b"\x55"),
    "part": lambda record: replace(record, part="vvvvv"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_record_unlike_its_row_is_found(copy, kind):
    rewrite(copy, "track-000", CHANGES[kind])
    findings = check_records(copy, decode_audio=kind != "audio")
    assert {finding.kind for finding in findings} == {kind}
    assert {(finding.level, finding.track_id) for finding in findings} == {("error", "track-000")}


def test_labels_are_zero_or_one(copy):
    rewrite(copy, "track-000", lambda record: replace(record, labels=2 * record.labels))
    (finding,) = check_records(copy)
    assert finding.kind == "labels" and "must be 4 values of 0 or 1. Received: [2, 0, 0, 0]" in finding.message


def test_the_length_is_compared_with_the_audio_itself(copy, made):
    rewrite(copy, "track-000", CHANGES["num_samples"])
    edit_rows(copy, lambda rows: rows[0].update(num_samples="8001"))
    edit_json(copy, lambda info: info["parts"]["train"].update(seconds=info["parts"]["train"]["seconds"] + 1 / 16000))
    expected = ["num_samples"] if made.storage == "pcm" else []
    assert [finding.kind for finding in check_records(copy)] == expected
    (finding,) = check_records(copy, decode_audio=True)
    assert "has 8000 samples; the record states 8001" in finding.message


def test_counts_that_differ_are_found(copy):
    edit_json(copy, lambda info: info["parts"]["valid"].update(tracks=3))
    edit_json(copy, lambda info: info["shards"]["test-00000-of-00001.tfrecord"].update(tracks=1))
    assert [finding.message for finding in check_records(copy)] == [
        "tracks of valid: 3 in dataset.json, 2 in tracks.csv.",
        "1 track in dataset.json, 2 in tracks.csv.",
    ]


def test_a_shard_missing_in_dataset_json_is_found(copy):
    edit_json(copy, lambda info: info["shards"].pop("test-00000-of-00001.tfrecord"))
    (found,) = [finding for finding in check_records(copy) if finding.level == "error"]
    assert (found.kind, found.shard) == ("counts", "test-00000-of-00001.tfrecord")
    assert found.message == "0 tracks in dataset.json, 2 in tracks.csv."


def test_a_track_missing_in_the_table_is_found(copy):
    edit_rows(copy, lambda rows: rows.pop(4))  # track-004, of test
    kinds = [finding.kind for finding in check_records(copy)]
    assert set(kinds) == {"counts", "offset"}


def test_a_tag_that_does_not_exist_is_found(copy):
    edit_rows(copy, lambda rows: rows[0].update(tags="0 4"))
    findings = check_records(copy)
    assert {(finding.kind, finding.track_id) for finding in findings} == {("labels", "track-000")}


def test_silence_and_duplicates_are_found(tmp_path):
    manifest = make_manifest(tmp_path / "audio", 10, seconds=0.5)
    soundfile.write(tmp_path / "audio" / "quiet.wav", 0.0009 * np.sign(make_samples(0, 0.5, 16000)), 16000)
    soundfile.write(tmp_path / "audio" / "soft.wav", 0.0011 * np.sign(make_samples(0, 0.5, 16000)), 16000)
    more = [Track("quiet", "quiet.wav", ("rock",), "train"), Track("soft", "soft.wav", ("rock",), "train")]
    more += [Track("again", "001.wav", ("rock",), "train"), Track("leak", "002.wav", ("rock",), "test")]
    prepare(replace(manifest, tracks=(*manifest.tracks, *more)), tmp_path / "records", jobs=1)
    found = {(finding.level, finding.kind, finding.track_id) for finding in check_records(tmp_path / "records")}
    assert found == {("warning", "silence", "quiet"), ("warning", "duplicate", "again"), ("error", "leakage", "leak")}
    assert check_records(tmp_path / "records")[0].level == "error"  # errors come first


def test_a_shard_of_an_earlier_run_is_reported(copy):
    shutil.copy(copy / "test-00000-of-00001.tfrecord", copy / "test-00000-of-00009.tfrecord")
    (finding,) = check_records(copy)
    assert (finding.level, finding.kind, finding.shard) == ("warning", "unlisted", "test-00000-of-00009.tfrecord")


def test_a_record_of_another_version_is_found(copy):
    track = Records(copy).tracks[0]
    shard = copy / track.shard
    payloads = [payload for _, payload in read_records(shard)]
    old, new = b"\x07version\x12\x05\x1a\x03\n\x01\x01", b"\x07version\x12\x05\x1a\x03\n\x01\x02"
    payloads = [p.replace(old, new) if b"track-000" in p else p for p in payloads]
    shard.write_bytes(b"".join(map(to_tfrecord, payloads)))
    (finding,) = check_records(copy)
    assert finding.track_id == "track-000" and "must have version 1. Received: [2]" in finding.message


def test_the_table_has_the_hash_of_the_audio(made):
    for track in made:
        assert hashlib.sha256(made.read(track).audio).hexdigest() == track.audio_sha256

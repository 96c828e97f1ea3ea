import json
import shutil
from dataclasses import replace

import pytest

from keras_musictag.records import Records, prepare
from keras_musictag.tags import Vocabulary
from tests.records.make import make_manifest, make_records


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    return make_records(tmp_path_factory.mktemp("made"), 10, seconds=0.5)


@pytest.fixture
def records(folder, made):
    """A copy of the records in the working directory."""
    return shutil.copytree(made.folder, folder / "records")


def test_valid_records_have_no_findings(call, records):
    assert call("records", "check", "records", "--decode") == (0, "10 tracks: 0 errors, 0 warnings.\n", "")


def test_damage_is_reported_with_shard_byte_and_track(call, records):
    track = Records(records).tracks[1]
    shard = records / track.shard
    data = bytearray(shard.read_bytes())
    data[track.offset + 500] ^= 1
    shard.write_bytes(data)
    outcome = call("records", "check", "records")
    assert outcome.code == 1
    assert "10 tracks: 1 error, 0 warnings." in outcome.out
    where = f"{track.shard}, byte {track.offset}, track track-001: "
    assert f"error, checksum: {where}The checksum of its content is wrong. Copy the file again, or" in outcome.out
    (line,) = [line for line in outcome.out.splitlines() if line.startswith("error, checksum")]
    assert line.count(track.shard) == line.count("byte") == 1


def test_many_findings_are_counted_and_some_are_listed(call, records, monkeypatch):
    monkeypatch.setattr("keras_musictag.cli.records.SHOWN_PER_KIND", 2)
    for shard in records.glob("*.tfrecord"):
        data = bytearray(shard.read_bytes())
        for track in Records(records):
            if track.shard == shard.name:
                data[track.offset + 500] ^= 1
        shard.write_bytes(data)
    lines = call("records", "check", "records").out.splitlines()
    assert sum(line.startswith("error, checksum: ") for line in lines) == 2
    assert "... and 8 more of checksum" in lines and lines[-1] == "10 tracks: 10 errors, 0 warnings."


def test_a_description_has_parts_and_tags_with_their_counts(call, records, folder):
    outcome = call("records", "info", "records", "--plot", "pictures/tags.png")
    assert (outcome.code, outcome.err) == (0, "")
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in outcome.out.splitlines() if "│" in line]
    assert rows[:3] == [["train", "6", "0.00", "2"], ["valid", "2", "0.00", "1"], ["test", "2", "0.00", "1"]]
    assert rows[3] == ["rock", "3", "1", "1", "genre"]
    assert "made 1, split fixed" in outcome.out and "licence: None: generated." in outcome.out
    assert (folder / "pictures" / "tags.png").read_bytes().startswith(b"\x89PNG")


def test_a_tag_with_brackets_is_shown_as_it_is(call, folder):
    manifest = make_manifest(folder / "audio", 3, seconds=0.1)
    tracks = tuple(replace(track, tags=("[/live]",)) for track in manifest.tracks)
    prepare(replace(manifest, tracks=tracks, vocabulary=Vocabulary(("[/live]", ":cat:"))), "records", jobs=1)
    outcome = call("records", "info", "records")
    assert outcome.code == 0 and "[/live]" in outcome.out and ":cat:" in outcome.out


def test_subsets_are_shown_if_there_are_any(call, folder, records):
    assert "subset" not in call("records", "info", "records").out
    manifest = make_manifest(folder / "audio", 10, seconds=0.1)
    subsets = ["unseen" if track.part == "test" and index == 4 else "" for index, track in enumerate(manifest.tracks)]
    tracks = tuple(replace(track, subset=subset) for track, subset in zip(manifest.tracks, subsets, strict=True))
    prepare(replace(manifest, tracks=tracks), "parted", jobs=1)
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in table_lines(call, "parted")]
    assert rows[3:7] == [["train", "-", "6"], ["valid", "-", "2"], ["test", "-", "1"], ["test", "unseen", "1"]]


def table_lines(call, name):
    return [line for line in call("records", "info", name).out.splitlines() if "│" in line]


@pytest.mark.parametrize(("citation", "shown"), [("None.", False), ("", False), ("Ann, 2020.", True)])
def test_a_citation_is_shown_if_there_is_one(call, folder, citation, shown):
    prepare(make_manifest(folder / "audio", 5, seconds=0.1, citation=citation), "records", jobs=1)
    assert ("cite: Ann, 2020.\n" in call("records", "info", "records").out) == shown
    assert ("cite" in call("records", "info", "records").out) == shown


def test_features_are_shown_by_front_end_and_architecture(call, records):
    path = records / "dataset.json"
    info = json.loads(path.read_text())
    path.write_text(json.dumps({**info, "features": {"name": "log_mel", "architecture": "fcn", "config": {}}}))
    assert "features log_mel as of fcn, 0 tracks skipped" in call("records", "info", "records").out


@pytest.mark.parametrize(
    ("subcommand", "file"), [("check", "tracks.csv"), ("info", "tracks.csv"), ("info", "test-00000-of-00001.tfrecord")]
)
def test_a_missing_file_is_an_error_with_advice(call, records, subcommand, file):
    (records / file).unlink()
    outcome = call("records", subcommand, "records")
    assert outcome.code == 1 and outcome.err.count("\n") == 1 and file in outcome.err
    assert outcome.err.endswith("or run the same `keras-musictag prepare` command: it writes only what is missing.\n")


@pytest.mark.parametrize("subcommand", ["check", "info"])
def test_a_folder_without_records_is_an_error(call, folder, subcommand):
    outcome = call("records", subcommand, ".")
    assert outcome.code == 1 and outcome.err.startswith("Error: There is no dataset.json in '.'")

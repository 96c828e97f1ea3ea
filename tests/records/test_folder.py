import json
import shutil

import numpy as np
import pytest

from keras_musictag.errors import RecordsError, UnknownNameError
from keras_musictag.records.folder import Records, StoredTrack, top_reasons
from keras_musictag.records.manifest import Skipped
from tests.records.make import TAGS, make_records


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_records(tmp_path_factory.mktemp("made"), 10, seconds=0.5)


@pytest.fixture
def copy(made, tmp_path):
    """A folder of records that a test may damage."""
    return shutil.copytree(made.folder, tmp_path / "records")


def test_an_open_folder_knows_its_tracks(made):
    records = Records(str(made.folder))
    assert len(records) == 10 and [track.track_index for track in records] == list(range(10))
    assert records.vocabulary == TAGS and records.storage == "pcm" and records.skipped == ()
    assert [track.track_id for track in records.part("valid")] == ["track-003", "track-008"]
    assert [path.name for path in records.shards("train")] == [f"train-0000{i}-of-00002.tfrecord" for i in (0, 1)]


def test_labels_are_one_where_the_tag_applies(made):
    labels = made.labels("train")
    # tracks 0, 1, 2, 5, 6, 7: the tag i % 4, and rock where i % 5 == 1
    expected = [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]
    np.testing.assert_array_equal(labels, np.array(expected, np.float32))
    assert labels.dtype == np.float32


def test_each_track_is_read_where_its_row_says(made):
    for track in made:
        record = made.read(track)
        assert (record.track_index, record.track_id, record.part) == (track.track_index, track.track_id, track.part)
        assert len(record.audio) == 2 * track.num_samples


def test_a_row_survives_the_csv():
    track = StoredTrack(3, "a,\r\n b", "train", "", 'x".mp3', "s.tfrecord", 5, 7, "0" * 64, ())
    assert StoredTrack.from_row({name: str(value) for name, value in track.to_row().items()}) == track


def test_an_unknown_part_is_refused(made):
    with pytest.raises(UnknownNameError, match="no part 'val'. Did you mean 'valid'"):
        made.part("val")


def test_a_folder_without_records_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="no dataset.json in .*run the same command again"):
        Records(tmp_path)


def test_a_missing_shard_and_one_cut_short_are_told(copy):
    shard = copy / "valid-00000-of-00001.tfrecord"
    size = shard.stat().st_size
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(RecordsError, match=f"valid-00000-of-00001.* has {size - 1} bytes; expected {size}"):
        Records(copy)
    shard.unlink()
    with pytest.raises(RecordsError, match="valid-00000-of-00001.* is missing"):
        Records(copy)


@pytest.mark.parametrize(
    ("text", "match"), [("{", "is no JSON"), ("[]", "version None"), ('{"version": 9}', "version 9")]
)
def test_another_dataset_json_is_refused(copy, text, match):
    (copy / "dataset.json").write_text(text)
    with pytest.raises(RecordsError, match=match):
        Records(copy)


@pytest.mark.parametrize("old,new", [("track-001,train", "track-001"), ("\n1,", "\none,"), ("track_id,", "id,")])
def test_a_broken_table_names_the_line(copy, old, new):
    table = copy / "tracks.csv"
    table.write_text(table.read_text().replace(old, new, 1))
    with pytest.raises(RecordsError, match=r"Line \d of tracks.csv is none of a track"):
        _ = Records(copy).tracks


def test_a_flipped_byte_is_found_when_its_track_is_read(copy):
    records = Records(copy)
    track = records.part("test")[1]
    shard = copy / track.shard
    data = bytearray(shard.read_bytes())
    data[track.offset + 2000] ^= 1
    shard.write_bytes(data)
    with pytest.raises(RecordsError, match=f"{track.shard}, record at byte {track.offset}: the checksum"):
        records.read(track)
    assert records.read(records.part("test")[0]).part == "test"


def test_a_table_of_other_shards_is_no_end_of_file(copy):
    records = Records(copy)
    track = records.tracks[0]
    beyond = StoredTrack(**{**track.__dict__, "offset": 10**9})
    with pytest.raises(RecordsError, match="ends before byte 1000000000"):
        records.read(beyond)


def test_reasons_are_counted_whatever_the_file():
    rows = [Skipped(str(i), f"{i}.mp3", f"'{i}.mp3' is empty.") for i in range(3)] + [Skipped("x", "x", "Too long.")]
    assert top_reasons(rows) == [("The file is empty.", 3), ("Too long.", 1)]


def test_the_description_is_plain_and_of_no_time_or_place(made):
    text = (made.folder / "dataset.json").read_text()
    assert str(made.folder.parent) not in text
    assert set(json.loads(text)) >= {"version", "tags", "licence", "parts", "shards", "split_sha256", "tool_versions"}

import json
import shutil

import numpy as np
import pytest

from keras_musictag.errors import RecordsError, UnknownNameError
from keras_musictag.files import write_csv
from keras_musictag.records import Records, Skipped
from keras_musictag.records.folder import StoredTrack, read_tracks, top_reasons
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


@pytest.mark.parametrize("name", ["a,\r\n b", "a\rb", "a\nb", 'x".mp3', " a ", "\u2028", "\udce9"])
def test_a_row_survives_the_csv(tmp_path, name):
    track = StoredTrack(3, name, "train", "", name, "s.tfrecord", 5, 7, "0" * 64, (0, 2))
    write_csv(tmp_path / "tracks.csv", StoredTrack.__dataclass_fields__, [track.to_row().values()])
    assert read_tracks(tmp_path) == (track,)
    assert (tmp_path / "tracks.csv").read_bytes().startswith(b"track_index,track_id,part,")


def test_a_shortened_table_is_reported(copy):
    lines = (copy / "tracks.csv").read_text().splitlines(keepends=True)
    (copy / "tracks.csv").write_text("".join(lines[:-3]))
    with pytest.raises(RecordsError, match="has 7 tracks; expected 10"):
        Records(copy).part("train")


@pytest.mark.parametrize(
    "change",
    [
        lambda info: info.pop("plan"),
        lambda info: info.pop("shards"),
        lambda info: info.update(shards=[]),
        lambda info: info["parts"].pop("valid"),
        lambda info: info["parts"]["train"].pop("seconds"),
        lambda info: info["shards"]["test-00000-of-00001.tfrecord"].pop("tracks"),
        lambda info: info["tags"].pop(),
        lambda info: info.update(tags=5),
    ],
)
def test_an_edited_dataset_json_is_reported(copy, change):
    info = json.loads((copy / "dataset.json").read_text())
    change(info)
    (copy / "dataset.json").write_text(json.dumps(info))
    with pytest.raises(RecordsError, match="dataset.json' is not as it was written .*Was it edited"):
        Records(copy)


def test_an_unknown_part_is_refused(made):
    with pytest.raises(UnknownNameError, match="no part 'val'. Did you mean 'valid'"):
        made.part("val")


def test_a_folder_without_records_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="no dataset.json in .*run the same command again"):
        Records(tmp_path)


def test_missing_and_shortened_shards_are_reported(copy):
    shard = copy / "valid-00000-of-00001.tfrecord"
    size = shard.stat().st_size
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(RecordsError, match=f"valid-00000-of-00001.* has {size - 1} bytes; expected {size}"):
        Records(copy)
    shard.unlink()
    with pytest.raises(RecordsError, match="valid-00000-of-00001.* is missing"):
        Records(copy)


@pytest.mark.parametrize(
    ("text", "match"), [("{", "is not valid JSON"), ("[]", "version None"), ('{"version": 9}', "version 9")]
)
def test_a_foreign_dataset_json_is_refused(copy, text, match):
    (copy / "dataset.json").write_text(text)
    with pytest.raises(RecordsError, match=match):
        Records(copy)


@pytest.mark.parametrize("old,new", [("track-001,train", "track-001"), ("\n1,", "\none,"), ("track_id,", "id,")])
def test_a_broken_table_names_the_line(copy, old, new):
    table = copy / "tracks.csv"
    table.write_text(table.read_text().replace(old, new, 1))
    with pytest.raises(RecordsError, match=r"Line \d of tracks.csv does not describe a track"):
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


def test_an_offset_past_the_end_is_an_error(copy):
    records = Records(copy)
    track = records.tracks[0]
    beyond = StoredTrack(**{**track.__dict__, "offset": 10**9})
    with pytest.raises(RecordsError, match="ends before byte 1000000000"):
        records.read(beyond)


@pytest.mark.parametrize("name", ["tracks.csv", "skipped.csv"])
def test_a_missing_table_says_what_to_do(copy, name):
    (copy / name).unlink()
    records = Records(copy)
    with pytest.raises(RecordsError, match=f"no {name} in .*run the same `keras-musictag prepare` command"):
        _ = records.tracks, records.skipped


def test_a_skipped_track_without_a_reason_names_the_line(copy):
    (copy / "skipped.csv").write_text("track_id,path\na,a.wav\n")
    with pytest.raises(RecordsError, match="Line 2 of skipped.csv does not describe a track"):
        _ = Records(copy).skipped


@pytest.mark.parametrize("storage", ["pcm", "source"])
def test_samples_are_floats_in_either_storage(made, tmp_path, storage):
    records = make_records(tmp_path, 4, seconds=0.5, storage=storage)
    for track, same in zip(records, made.tracks, strict=False):
        samples = records.samples(track)
        assert (samples.dtype, samples.shape) == (np.float32, (track.num_samples,))
        np.testing.assert_array_equal(samples * 32768, np.frombuffer(made.read(same).audio, "<i2"))


def test_the_summary_shows_how_a_reason_begins():
    long = "'a.mp3' is not audio that can be opened; expected one of wav, mp3. Is it damaged?"
    rows = [Skipped("a", "a.mp3", long), Skipped("b", "b.mp3", "'b.mp3' lasts 7200.5 s. Cut it.")]
    assert top_reasons(rows) == [("The file is not audio that can be opened.", 1), ("The file lasts 7200.5 s.", 1)]


def test_reasons_are_counted_across_files():
    rows = [Skipped(str(i), f"{i}.mp3", f"'{i}.mp3' is empty.") for i in range(3)] + [Skipped("x", "x", "Too long.")]
    assert top_reasons(rows) == [("The file is empty.", 3), ("Too long.", 1)]


def test_dataset_json_has_no_time_or_place(made):
    text = (made.folder / "dataset.json").read_text()
    assert str(made.folder.parent) not in text
    assert set(json.loads(text)) >= {"version", "tags", "licence", "parts", "shards", "split_sha256", "tool_versions"}

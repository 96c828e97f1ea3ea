"""A table of tracks: its forms, its parts, and errors that name line and column."""

import pytest

from keras_musictag.datasets import csv
from keras_musictag.errors import DatasetError

TAGS = """path,tags,artist
a.mp3,rock; guitar,Ann
b.mp3,,Bob
c.mp3,jazz,Cid
"""
COLUMNS = """id\tpath\trock\tguitar\tpart
t1\tx/a.mp3\t1\t0\ttrain
t2\tx/b.mp3\t\t1\tvalidation
t3\tx/c.mp3\t0\t0\tTest
"""


def tracks(manifest):
    return {track.track_id: track.tags for track in manifest.tracks}


def parts(manifest):
    return {track.track_id: track.part for track in manifest.tracks}


def test_tags_in_one_column_are_sorted(table, tmp_path):
    manifest = csv.manifest(table(TAGS))
    assert list(manifest.vocabulary) == ["guitar", "jazz", "rock"]
    assert tracks(manifest) == {"a.mp3": ("guitar", "rock"), "b.mp3": (), "c.mp3": ("jazz",)}
    assert sorted(parts(manifest).values()) == ["test", "train", "valid"]
    assert manifest.file(manifest.tracks[0]) == tmp_path / "a.mp3"


def test_tag_columns_keep_their_order_and_stated_parts(table, tmp_path):
    manifest = csv.manifest(table(COLUMNS, "tracks.tsv"), audio=tmp_path / "audio")
    assert list(manifest.vocabulary) == ["rock", "guitar"]
    assert tracks(manifest) == {"t1": ("rock",), "t2": ("guitar",), "t3": ()}
    assert parts(manifest) == {"t1": "train", "t2": "valid", "t3": "test"}
    assert manifest.file(manifest.tracks[0]) == tmp_path / "audio" / "x" / "a.mp3"


@pytest.mark.parametrize(
    "content",
    [
        TAGS.replace("\n", "\r\n"),
        TAGS.replace("\n", "\r"),
        b"\xef\xbb\xbf" + TAGS.encode(),
        TAGS.replace(",", "\t"),
        TAGS.replace("rock; guitar", '"rock; guitar"').replace(",", ";"),
        TAGS.replace("path", "Path ").replace("tags", "TAGS"),
        TAGS.replace("\n", "\n\n") + ",,\n",
        TAGS.rstrip(),
        TAGS.replace("a.mp3", '"a.mp3"').replace("Cid", '"Cid\u2028 the ""second"",\nor third"'),
    ],
    ids=["CRLF", "CR", "BOM", "tabs", "semicolons", "capitals", "blank lines", "no last line end", "quotes"],
)
def test_the_same_table_in_other_spellings_is_the_same(table, content):
    other, plain = csv.manifest(table(content)), csv.manifest(table(TAGS, "plain.csv"))
    assert other.vocabulary == plain.vocabulary and tracks(other) == tracks(plain)


def test_another_separator_splits_the_tags(table):
    manifest = csv.manifest(table(TAGS.replace(";", "/")), separator="/")
    assert tracks(manifest)["a.mp3"] == ("guitar", "rock")
    with pytest.raises(ValueError, match="separator"):
        csv.manifest(table(TAGS), separator="")


def test_next_to_tags_other_columns_are_ignored(table):
    assert list(csv.manifest(table(TAGS.replace("artist", "title"))).vocabulary) == ["guitar", "jazz", "rock"]


def test_drawn_parts_keep_artists_together(table):
    lines = [f"{i}.mp3,{'rock' if i % 2 else 'jazz'},artist {i // 5}" for i in range(100)]
    path = table("\n".join(["path,tags,artist", *lines]))
    manifest = csv.manifest(path)
    assert manifest.counts == {"train": 80, "valid": 10, "test": 10}
    part_of = parts(manifest)
    assert all(len({part_of[f"{5 * a + k}.mp3"] for k in range(5)}) == 1 for a in range(20))
    assert csv.manifest(path, seed=1).split_sha256 != manifest.split_sha256
    assert csv.manifest(path, fractions=(0.5, 0, 0.5)).counts == {"train": 50, "valid": 0, "test": 50}


def test_an_empty_part_column_is_ignored(table):
    manifest = csv.manifest(
        table(TAGS.replace("artist", "part").replace("Ann", "").replace("Bob", "").replace("Cid", ""))
    )
    assert sorted(parts(manifest).values()) == ["test", "train", "valid"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: there is no column 'path'. Received: nothing"),
        ("file,tags\na,rock\n", "Received: 'file', 'tags'. If 'file' holds the files, rename it to 'path'"),
        ("path,tags,path\n", "line 1: column 'path' occurs twice"),
        ("path,tags\n", "no track"),
        ("path,tags\na,\nb,\n", "no track has a tag"),
        ("path,tags\na,ro\x07ck\nb,\n", r"the tag 'ro\\x07ck' has characters"),
        (f"path;{'x' * 200_000}\na;1\n", "field larger than field limit"),
        ("path\na\nb\n", "no track has a tag"),
        ("path,tags\na,rock\nb,rock\n", "every track has every tag"),
        ("path,tags\na,rock\nb,rock,loud\n", "line 3: expected 2 columns as in the header. Received: 3"),
        ("path,rock\na,1\nb,maybe\n", "line 3, column 'rock': expected 0 or 1.*Received: 'maybe'"),
        ("path,genre\na,rock\nb,pop\n", "line 2, column 'genre'.*rename the column to 'tags'"),
        ("path,tags\na,rock\n,jazz\n", "line 3, column 'path': expected a value"),
        ("path,tags\na,rock\nb,jazz\n./a,jazz\n", "line 4, column 'path': './a' is already in line 2"),
        ("path,tags,id\na,rock,1\nb,jazz,1\n", "line 3, column 'id': '1' is already in line 2"),
        ("path,tags,track_id\na,rock,1\nb,jazz,\n", "line 3, column 'track_id': expected a value"),
        ("path,tags,part\na,rock,train\nb,jazz,\n", "line 3, column 'part'.*Received: nothing, although"),
        ('path,tags\na,rock\nb,"jazz\n', "line 3: unexpected end of data. Is there a quote missing"),
    ],
)
def test_errors_name_the_line_and_the_column(table, content, message):
    with pytest.raises(DatasetError, match=message):
        csv.manifest(table(content))


def test_one_file_under_two_names_is_an_error(table, tmp_path):
    (tmp_path / "b.mp3").touch()
    for name in (tmp_path / "b.mp3", "x/../b.mp3", "b", "B.MP3"):
        with pytest.raises(DatasetError, match="line 3, column 'path'.*is already in line 2.*each track in one part"):
            csv.manifest(table(f"path,tags,split\nb.mp3,rock,train\n{name},jazz,test\n"))


def test_a_split_depends_on_neither_files_nor_order(table, tmp_path):
    lines = [f"{i},{'ab'[i % 2]}\n" for i in range(20)]
    path = table("path,tags\n" + "".join(lines))
    before = csv.manifest(path)
    assert csv.manifest(table("path,tags\n" + "".join(lines[::-1]), "2.csv")).split_sha256 == before.split_sha256
    (tmp_path / "3.mp3").touch()
    after = csv.manifest(path)
    assert after.split_sha256 == before.split_sha256
    assert [track.path for track in after.tracks if track.track_id == "3"] == ["3.mp3"]


def test_a_split_column_is_named_and_not_a_tag(table):
    manifest = csv.manifest(table("path,rock,Split,is_test\na,1,train,\nb,0,dev,\nc,1,test,\n"))
    assert list(manifest.vocabulary) == ["rock"] and manifest.split == "column 'Split'"
    assert csv.manifest(table("path,rock,Split\na,1,1\nb,0,1\nc,1,1\n"), part_column="none").counts["train"] == 1


def test_a_missing_file_is_an_error(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(FileNotFoundError, match="no file"):
            csv.manifest(path)

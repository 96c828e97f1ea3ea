"""Tables hold exactly what is in the database, in valid UTF-8, and no formula runs in a spreadsheet."""

import csv
import json
import os
import urllib.parse

import numpy as np
import pytest

from keras_musictag import MusicTagError, Vocabulary
from keras_musictag.library import (
    Database,
    FileTags,
    Labels,
    PresenceThresholds,
    export_table,
    read_vectors,
    tables,
    write_scan_lines,
    write_sidecar,
)
from tests.library.synthetic import add_scores

TAGS = Vocabulary(("rock", "new age"))
SCORES = np.random.default_rng(0).random((3, 2), np.float32)
PATHS = ("/m/\udcff.mp3", '/m/a\n,".ogg', "/m/b.mp3")
LABELS = (Labels("=1+1", "-A", "Öl", 1999), Labels("a\r\nb", None, "@x"), Labels())
THRESHOLDS = PresenceThresholds({"rock": float(SCORES[0, 0]), "new age": 1.0}, "card")


@pytest.fixture
def database(tmp_path):
    with Database(tmp_path / "library.db", create=True) as database:
        add_scores(database, PATHS, SCORES, TAGS, labels=LABELS, vectors=np.float32(np.arange(6).reshape(3, 2) / 7))
        yield database


def export(database, name, **options):
    path = database.path.parent / name
    assert export_table(database, database.find_model(), path, thresholds=THRESHOLDS, **options) == 3
    return path


ORDER = [1, 2, 0]  # of the paths, as bytes


def test_json_lines_are_exact(database):
    rows = [json.loads(line) for line in open(export(database, "t.jsonl", embeddings=True), encoding="utf-8")]
    assert [row["uri"] for row in rows] == ["file:///m/a%0A%2C%22.ogg", "file:///m/b.mp3", "file:///m/%FF.mp3"]
    assert [row["path"] for row in rows] == ['/m/a\\n,".ogg', "/m/b.mp3", "/m/\\xff.mp3"]
    assert rows[2]["artist"] == "=1+1" and rows[2]["year"] == 1999 and rows[1]["title"] is None
    assert rows[2]["present"] == ["rock"]
    scores = np.array([list(row["scores"].values()) for row in rows], np.float32)
    assert (scores == SCORES[ORDER]).all() and list(rows[0]["scores"]) == list(TAGS)
    vectors = read_vectors(database, database.find_model())
    assert (np.array([row["embedding"] for row in rows], np.float32) == vectors[ORDER]).all()


def test_csv_is_read_back_and_runs_no_formula(database):
    with open(export(database, "t.csv", embeddings=True), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["artist"] for row in rows] == ["a\r\nb", "", "'=1+1"]
    assert rows[2]["album"] == "'-A" and rows[0]["title"] == "'@x"
    assert rows[2]["present"] == "rock" and rows[1]["year"] == ""
    assert [float(row["score.new age"]) for row in rows] == pytest.approx(SCORES[ORDER, 1], abs=1e-6)
    assert [float(row["embedding.1"]) for row in rows] == pytest.approx([3 / 7, 5 / 7, 1 / 7])


def test_parquet_is_exact(database, monkeypatch):
    from pyarrow import parquet

    monkeypatch.setattr(tables, "ROWS_PER_GROUP", 2)
    path = export(database, "t.parquet", embeddings=True)
    assert parquet.ParquetFile(path).metadata.num_row_groups == 2
    rows = parquet.read_table(path).to_pylist()
    assert [row["artist"] for row in rows] == ["a\r\nb", None, "=1+1"]
    assert np.float32([row["score.rock"] for row in rows]).tolist() == SCORES[ORDER, 0].tolist()
    assert rows[2]["present"] == ["rock"] and rows[0]["year"] is None
    assert np.float32(rows[0]["embedding"]).tolist() == np.float32([2 / 7, 3 / 7]).tolist()
    assert parquet.read_schema(path).metadata[b"model"] == b"my-own-v1"


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv", "t.parquet"])
def test_an_error_leaves_the_old_file(database, name, monkeypatch):
    path = database.path.parent / name
    path.write_text("old")
    monkeypatch.setattr(tables, "_row", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_table(database, database.find_model(), path)
    assert path.read_text() == "old" and not list(path.parent.glob(".keras_musictag-*"))


def test_an_empty_library_is_an_empty_table(tmp_path):
    from pyarrow import parquet

    with Database(tmp_path / "library.db", create=True) as database:
        model = database.add_model("my-own-v1", "ab", TAGS, 2)
        for name in ("t.jsonl", "t.csv", "t.parquet"):
            assert export_table(database, model, tmp_path / name, embeddings=True) == 0
    assert parquet.read_table(tmp_path / "t.parquet").num_rows == 0
    assert (tmp_path / "t.csv").read_text().startswith("path,uri,artist")


def test_a_scan_during_the_export_does_not_disturb_it(database, monkeypatch):
    def read_then_scan(*arguments):
        vectors = read_vectors(*arguments)
        with Database(database.path) as other:
            add_scores(other, ["/m/new.mp3"], SCORES[:1], TAGS, vectors=np.ones((1, 2), np.float32))
        return vectors

    monkeypatch.setattr(tables, "read_vectors", read_then_scan)
    assert len(open(export(database, "t.jsonl", embeddings=True), encoding="utf-8").readlines()) == 3


def test_other_formats_are_refused(database):
    with pytest.raises(ValueError, match=r"\.parquet, \.csv or \.jsonl"):
        export_table(database, database.find_model(), "t.xlsx")


def test_missing_pyarrow_is_explained(database, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MusicTagError, match=r"keras-musictag\[library\]"):
        export_table(database, database.find_model(), database.path.parent / "t.parquet")


def test_a_folder_in_another_one_adds_no_lines(tmp_path):
    out = tmp_path / "tags.jsonl"
    with Database(tmp_path / "library.db", create=True) as database:
        for path in ("/music/a/1.mp3", "/music/b/2.mp3", "/music2/3.mp3", "/other/4.mp3"):
            database.put_file(path, 1, 2, problem="a reason")
        assert write_scan_lines(out, database, ["/music/a", "/music2", "/music", "/music/a/", "/music"]) == 3
    paths = [json.loads(line)["path"] for line in out.read_text().splitlines()]
    assert paths == ["/music/a/1.mp3", "/music/b/2.mp3", "/music2/3.mp3"]


def test_lines_are_valid_whatever_the_bytes_of_a_name(tmp_path):
    names = [b"/music/caf\xe9.mp3", "/music/café\n.mp3".encode()]
    with Database(tmp_path / "library.db", create=True) as database:
        for name in names:
            database.put_file(os.fsdecode(name), 1, 2, problem="a reason")
        write_scan_lines(tmp_path / "tags.jsonl", database, ["/music"])
    paths = [json.loads(line)["path"] for line in (tmp_path / "tags.jsonl").read_text().splitlines()]
    assert paths == ["/music/café\n.mp3", "file:///music/caf%E9.mp3"]
    assert urllib.parse.unquote_to_bytes(paths[1].removeprefix("file://")) == names[0]


NAME = os.fsdecode(b'/music/a,\n"\xff.mp3')
ADDRESS = "file:///music/a%2C%0A%22%FF.mp3"
WANTED = [(NAME, FileTags(("Techno", "R&B, Soul"), ("Calm",), {"techno": 0.91251})), ("/music/b.mp3", FileTags())]


def test_a_json_sidecar_has_all_values(tmp_path):
    assert write_sidecar(tmp_path / "tags.JSON", WANTED) == 1
    content = json.loads((tmp_path / "tags.JSON").read_text())
    assert content == {ADDRESS: {"genre": ["Techno", "R&B, Soul"], "mood": ["Calm"], "scores": {"techno": 0.91251}}}


def test_a_csv_sidecar_has_a_row_per_value(tmp_path):
    assert write_sidecar(tmp_path / "tags.csv", WANTED) == 1
    with open(tmp_path / "tags.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    values = [("genre", "Techno"), ("genre", "R&B, Soul"), ("mood", "Calm"), ("KMT:techno", "0.913")]
    assert rows == [["path", "field", "value"], *([ADDRESS, *value] for value in values)]


def test_another_ending_of_a_sidecar_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.json or \.csv"):
        write_sidecar(tmp_path / "tags.txt", WANTED)

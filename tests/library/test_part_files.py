"""Parts come back as they were written, and other files are refused with a reason."""

import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from keras_musictag import MusicTagError, Vocabulary
from keras_musictag.library import Database, Labels, VectorWriter
from keras_musictag.library.part_files import METADATA_KEY, Part, write_part

TAGS = Vocabulary(("rock", "calm"), ("genre", "mood"))


@pytest.fixture
def part(tmp_path):
    """A part with a tagged file, whose name is not UTF-8, and a file with a problem."""
    with Database(tmp_path / "library.db", create=True) as database:
        model = database.add_model("vgg-mtat-v1", "ab" * 32, TAGS, 3)
        with VectorWriter(database, model) as vectors:
            row = vectors.append(np.array([1, 2, 3]))
            vectors.sync()
        track = database.add_track(bytes(range(32)), 12.5, ("a note",))
        database.add_result(track, model, np.array([0.25, 0.75]), row, 4, "onnx float32")
        database.put_file("/music/\udcff\n.mp3", 10, 20, track, labels=Labels("Somebody", year=1999))
        database.put_file("/music/b.mp3", 30, 40, problem="It is damaged.")
        write_part(tmp_path / "part.parquet", database, model)
    return tmp_path / "part.parquet"


def test_a_part_comes_back(part):
    with Part(part) as opened:
        assert (opened.name, opened.weights_sha256, opened.vocabulary, opened.features) == (
            "vgg-mtat-v1",
            "ab" * 32,
            TAGS,
            3,
        )
        damaged, tagged = opened
    assert (damaged.path, damaged.size_bytes, damaged.problem) == ("/music/b.mp3", 30, "It is damaged.")
    assert (tagged.path, tagged.size_bytes, tagged.mtime_ns) == ("/music/\udcff\n.mp3", 10, 20)
    assert (tagged.labels, tagged.notes, tagged.duration_seconds) == (Labels("Somebody", year=1999), ("a note",), 12.5)
    assert (tagged.audio_sha256, tagged.chunks, tagged.engine) == (bytes(range(32)), 4, "onnx float32")
    assert tagged.scores.tolist() == [0.25, 0.75] and tagged.embedding.tolist() == [1, 2, 3]


def rewrite(part, change_row=lambda row: row, change_facts=lambda facts: facts):
    """Writes the part again with another first row or other metadata."""
    table = pyarrow.parquet.read_table(part)
    rows = table.to_pylist()
    rows[1] = change_row(rows[1])
    facts = change_facts(json.loads(table.schema.metadata[METADATA_KEY]))
    schema = table.schema.with_metadata({METADATA_KEY: json.dumps(facts)})
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema), part)


@pytest.mark.parametrize(
    "values, reason",
    [
        ({"path": b"music/a.mp3"}, "absolute path"),
        ({"path": b"/music/\0.mp3"}, "absolute path"),
        ({"path": None}, "absolute path"),
        ({"bytes": -1}, "`bytes`"),
        ({"mtime_ns": None}, "`mtime_ns`"),
        ({"scores": [0.5]}, "`scores` must be a list of 2"),
        ({"scores": [0.5, 1.5]}, "from 0 to 1"),
        ({"scores": [0.5, float("nan")]}, "finite"),
        ({"scores": None}, "`scores`"),
        ({"embedding": [1.0, None, 2.0]}, "`embedding` must be a list of 3"),
        ({"duration_seconds": float("inf")}, "`duration_seconds`"),
        ({"audio_sha256": None}, "a value is missing"),
        ({"notes": [None]}, "a value is missing"),
        ({"chunks": 0}, "a value is missing"),
        ({"model": "musicnn-mtat-v1"}, "`model` must be 'vgg-mtat-v1'"),
    ],
)
def test_a_hostile_row_is_refused(part, values, reason):
    rewrite(part, lambda row: row | values)
    with pytest.raises(MusicTagError, match=f"part.parquet.*row 2: .*{reason}"), Part(part) as opened:
        list(opened)


@pytest.mark.parametrize(
    "facts, reason",
    [
        ({"version": 2}, "version 2"),
        ({"features": "three"}, "'three' numbers"),
        ({"name": ""}, "does not name its model"),
        ({"tags": [{"name": "rock"}, {"name": "rock"}]}, "only once"),
        ({"tags": 5}, "list of names"),
    ],
)
def test_hostile_metadata_is_refused(part, facts, reason):
    rewrite(part, change_facts=lambda old: old | facts)
    with pytest.raises(MusicTagError, match=reason):
        Part(part)


def test_other_files_are_refused(part, tmp_path):
    with pytest.raises(FileNotFoundError, match="no part"):
        Part(tmp_path / "missing.parquet")
    table = pyarrow.parquet.read_table(part)
    foreign = {
        "text": b"a text",
        "empty": b"",
        "cut": part.read_bytes()[:-9],
    }
    for name, content in foreign.items():
        (tmp_path / name).write_bytes(content)
    pyarrow.parquet.write_table(table.replace_schema_metadata({}), tmp_path / "no metadata")
    pyarrow.parquet.write_table(table.drop_columns(["scores"]), tmp_path / "no scores")
    pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), tmp_path / "foreign")
    for name in (*foreign, "no metadata", "no scores", "foreign"):
        with pytest.raises(MusicTagError, match=f"{name}.*was not written by"):
            Part(tmp_path / name)


def test_a_damaged_page_is_reported(part):
    content = bytearray(part.read_bytes())
    content[4:200] = np.random.default_rng(0).bytes(196)
    part.write_bytes(content)
    with pytest.raises(MusicTagError, match="damaged"), Part(part) as opened:
        list(opened)

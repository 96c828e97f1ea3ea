"""`library write` shows and writes what the rules say, and `library undo` takes it back."""

import csv
import json
from contextlib import contextmanager

import numpy as np
import pytest

from keras_musictag import Vocabulary
from keras_musictag.cli import _library_write
from keras_musictag.library import Database, VectorWriter
from tests.library.tagged_music import music, taglib_tags

TAGS = Vocabulary(("techno", "calm", "guitar"), ("genre", "mood", "instrument"))
RULES = """
[genre]
techno = "Techno"
[mood]
calm = "Calm"
[thresholds]
techno = 0.5
calm = 0.5
"""
NAMES = ("a.mp3", "b.flac", "c.ogg")


@pytest.fixture
def library(folder):
    """The options that name a library of three files, of which the last is neither techno nor calm."""
    (folder / "rules.toml").write_text(RULES)
    (folder / "music").mkdir()
    with Database(folder / "library.db", create=True) as database:
        model = database.add_model("mine-v1", "ab" * 32, TAGS, 3)
        with VectorWriter(database, model) as vectors:
            for number, name in enumerate(NAMES):
                path = folder / "music" / name
                path.write_bytes(music(name))
                state = path.stat()
                track = database.add_track(bytes([number]) * 32, 12.5, ())
                row = vectors.append(np.zeros(3))
                vectors.sync()
                scores = np.array([0.9, 0.8, 0.7] if name != "c.ogg" else [0.1, 0.2, 0.9])
                database.put_file(str(path), state.st_size, state.st_mtime_ns, track)
                database.add_result(track, model, scores, row, 4, "onnx float32")
    return ["--db", "library.db", "--rules", "rules.toml"]


def contents(folder):
    return {path.name: path.read_bytes() for path in (folder / "music").iterdir()}


def test_without_yes_it_only_shows(call, folder, library):
    outcome = call("library", "write", *library)
    assert (outcome.code, outcome.err) == (0, "")
    changes = ["  + genre: Techno", "  + mood: Calm"]
    assert outcome.out.splitlines() == [
        *(str(folder / "music" / "a.mp3"), *changes),
        *(str(folder / "music" / "b.flac"), *changes),
        "2 files would change: 2 genres, 2 moods added. Unchanged: 1.",
        "Nothing was written. To write, add --yes.",
    ]
    assert contents(folder) == {name: music(name) for name in NAMES}


def test_it_writes_and_undo_takes_it_back(call, folder, library):
    outcome = call("library", "write", *library, "--yes", "--scores", "music/b.flac", "nowhere")
    assert outcome.code == 0
    assert outcome.err == "Note: the library has no tagged file in nowhere. To add it, scan its folder first.\n"
    assert "1 file changed: 1 genre, 1 mood, 3 scores added. Unchanged: 0." in outcome.out
    assert outcome.out.endswith("To take this back: keras-musictag library undo\n")
    tags = taglib_tags(folder / "music" / "b.flac")
    assert (tags["GENRE"], tags["MOOD"], tags["KMT:GUITAR"]) == (["Techno"], ["Calm"], ["0.700"])
    assert contents(folder)["a.mp3"] == music("a.mp3")

    call("library", "write", *library, "--yes")
    assert "The rules found no tag" in call("library", "write", *library, "--yes").out
    listed = call("library", "undo", "--db", "library.db", "--list").out.splitlines()
    assert [line.partition(": ")[2].split(" (")[0] for line in listed] == ["1 file", "1 file"]
    assert listed[1].endswith(": 1 file (--mode add)")
    first = listed[0].partition(":")[0]
    outcome = call("library", "undo", "--db", "library.db", first)
    assert (outcome.code, outcome.out) == (0, f"{first}: 1 file restored, 0 left alone.\n")
    outcome = call("library", "undo", "--db", "library.db")
    assert outcome.code == 0 and contents(folder) == {name: music(name) for name in NAMES}
    assert all(
        ", undone (" in line for line in call("library", "undo", "--db", "library.db", "--list").out.splitlines()
    )
    assert "nothing to undo" in call("library", "undo", "--db", "library.db").err


def test_the_progress_counts_only_the_files_in_the_paths(call, folder, library, monkeypatch):
    shown = []

    @contextmanager
    def watched():
        yield lambda done, total: shown.append((done, total))

    monkeypatch.setattr(_library_write, "track_progress", watched)
    call("library", "write", *library, "--yes", "music/b.flac", "music/b.flac")
    assert shown == [(0, 1), (1, 1)]


def test_problems_are_reported_and_the_others_written(call, folder, library):
    path = folder / "music" / "a.mp3"
    path.write_bytes(b"replaced")
    outcome = call("library", "write", *library, "--yes")
    assert outcome.code == 1
    reason = "it has changed since it was scanned: run `keras-musictag library scan` again"
    assert outcome.err == f"Not written: {path}: {reason}.\n"
    assert "1 file changed" in outcome.out and "1 file cannot be written" in outcome.out
    (folder / "music" / "b.flac").write_bytes(b"replaced")
    outcome = call("library", "undo", "--db", "library.db")
    assert outcome.code == 1 and "another program has changed it since" in outcome.err
    assert outcome.out.endswith("0 files restored, 1 left alone.\n")


def test_undo_needs_the_journal_only(call, folder, library):
    call("library", "write", *library, "--yes")
    (folder / "library.db").unlink()
    assert call("library", "undo", "--db", "library.db").out.endswith("2 files restored, 0 left alone.\n")
    assert contents(folder) == {name: music(name) for name in NAMES}


def test_modes_replace_only_when_asked(call, folder, library):
    call("library", "write", *library, "--yes")
    rules = folder / "rules.toml"
    rules.write_text(rules.read_text().replace('"Techno"', '"House"'))
    assert "Unchanged: 3." in call("library", "write", *library, "--mode", "fill").out
    outcome = call("library", "write", *library, "--mode", "replace", "music/a.mp3")
    assert outcome.out.splitlines()[1:3] == ["  - genre: Techno", "  + genre: House"]
    assert "1 genre added; 1 genre removed." in outcome.out


def test_a_sidecar_leaves_the_files_alone(call, folder, library):
    outcome = call("library", "write", *library, "--sidecar", "tags.json")
    assert (outcome.code, outcome.out) == (0, "Wrote the tags of 2 files to tags.json.\n")
    content = json.loads((folder / "tags.json").read_text())
    assert content[str(folder / "music" / "a.mp3")] == {"genre": ["Techno"], "mood": ["Calm"], "scores": {}}
    call("library", "write", *library, "--sidecar", "tags.csv", "--scores")
    assert len(list(csv.reader((folder / "tags.csv").read_text().splitlines()))) == 1 + 2 * 5 + 3
    assert contents(folder) == {name: music(name) for name in NAMES}
    assert call("library", "write", *library, "--sidecar", "tags.json", "--yes").code == 2
    assert "must end in .json or .csv" in call("library", "write", *library, "--sidecar", "tags.txt").err

"""Undo restores files to the byte, leaves alone what something else has changed, and can be killed at any moment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_musictag import MusicTagError
from keras_musictag.library import FileTags, find_run, list_runs, undo_run
from tests.library.tagged_music import NAMES, make_library, music, remember, write


@pytest.fixture
def library(tmp_path):
    with make_library(tmp_path, {name: music(name) for name in NAMES}) as database:
        yield database


@pytest.fixture
def two(tmp_path):
    with make_library(tmp_path, {name: music(name) for name in ("a.mp3", "b.flac")}) as database:
        yield database


def undo(database, name=None, **options):
    run = find_run(database.path, name)
    later = [other for other in list_runs(database.path) if other.name > run.name]
    return {Path(r.path).name: r.problem for r in undo_run(run, database, later=later, **options)}


def contents(database):
    return {path.name: path.read_bytes() for path in (database.path.parent / "music").iterdir()}


def test_every_format_is_restored_to_the_byte(library):
    folder = library.path.parent / "music"
    mtimes = {name: (folder / name).stat().st_mtime_ns for name in NAMES}
    write(library, wanted=FileTags(("Techno",), ("Calm",), {f"tag {i}": i / 100 for i in range(50)}))
    assert all(content != music(name) for name, content in contents(library).items())
    assert undo(library) == dict.fromkeys(NAMES)
    assert contents(library) == {name: music(name) for name in NAMES}
    for name in NAMES:
        state = (folder / name).stat()
        assert state.st_mtime_ns == mtimes[name]
        assert library.file_state(str(folder / name)) == (state.st_size, state.st_mtime_ns)
    with pytest.raises(MusicTagError, match="There is nothing to undo"):
        undo(library)


def test_the_journal_stores_no_audio(library):
    write(library)
    for entry in find_run(library.path).entries():
        assert len(entry.recipe) < 500, entry.path


def test_a_file_that_changed_meanwhile_is_left_alone(two):
    write(two)
    path = two.path.parent / "music" / "a.mp3"
    path.write_bytes(path.read_bytes() + b"x")
    changed = path.read_bytes()
    assert undo(two) == {"b.flac": None, "a.mp3": "another program has changed it since"}
    assert path.read_bytes() == changed and contents(two)["b.flac"] == music("b.flac")
    path.write_bytes(changed[:-1])  # and when it is again what the run wrote
    assert undo(two) == {"b.flac": None, "a.mp3": None}
    assert contents(two) == {name: music(name) for name in ("a.mp3", "b.flac")}


def test_missing_read_only_and_linked_files_are_left_alone(two):
    write(two)
    folder = two.path.parent / "music"
    (folder / "a.mp3").unlink()
    (folder / "b.flac").chmod(0o444)
    assert undo(two) == {
        "a.mp3": "it no longer exists here: if you moved it, move it back",
        "b.flac": "it is read-only",
    }
    (folder / "b.flac").chmod(0o644)
    if os.name == "posix":
        os.link(folder / "b.flac", two.path.parent / "other")
        assert "2 names" in undo(two)["b.flac"]
    assert undo(two, hard_links=True)["b.flac"] is None
    assert contents(two) == {"b.flac": music("b.flac")}


def test_runs_are_undone_from_the_last_one(two):
    write(two)
    between = contents(two)
    write(two, wanted=FileTags(("Pop",)))
    first, second = [run.name for run in list_runs(two.path)]
    assert undo(two, first)["a.mp3"] == f"it was changed again by the later run {second}: undo that one first"
    assert undo(two, second) == {"a.mp3": None, "b.flac": None} and contents(two) == between
    assert undo(two) == {"a.mp3": None, "b.flac": None}
    assert contents(two) == {name: music(name) for name in ("a.mp3", "b.flac")}


def test_undo_needs_no_database(two):
    write(two)
    assert [r.problem for r in undo_run(find_run(two.path))] == [None, None]
    assert contents(two) == {name: music(name) for name in ("a.mp3", "b.flac")}


def test_undone_tags_can_be_written_again(two):
    write(two)
    written = contents(two)
    undo(two)
    assert all(report.changes for report in write(two).values())
    assert contents(two) == written
    remember(two, two.path.parent / "music" / "a.mp3")


@pytest.mark.needs("posix")
def test_killed_at_every_step_each_file_is_old_or_new(tmp_path):
    """A process writes, or undoes, and is killed with SIGKILL at each of its system calls in turn: see the program."""
    make_library(tmp_path / "template", {name: music(name) for name in ("a.mp3", "f.m4a")}).close()
    program = Path(__file__).parent / "kill_at_each_step.py"
    command = [sys.executable, program, tmp_path / "template" / "music"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    steps = {line.split()[0]: int(line.split()[1]) for line in done.stdout.splitlines()}
    assert steps["write"] > 30 and steps["undo"] > 15

"""The journal gives back what was stored; an entry that a crash cut off does not count, and damage is an error."""

import json
import os
import time

import pytest

from keras_musictag import MusicTagError, UnknownNameError
from keras_musictag.library import FileVersion, JournalEntry, find_run, list_runs
from keras_musictag.library.journal import DESCRIPTION, ENTRIES, Journal, journal_folder

NAME = os.fsdecode(b"/music/a\n\xff.mp3")


def entry(name=NAME):
    return JournalEntry(name, name, FileVersion(10, "ab" * 32), FileVersion(20, "cd" * 32), 123, bytes(range(256)))


@pytest.fixture
def database(tmp_path):
    """The path of a database with two runs; nothing in the journal needs the database itself."""
    path = tmp_path / "library.db"
    for options in ({"mode": "add"}, {"mode": "fill"}):
        with Journal(journal_folder(path), options) as journal:
            journal.add(entry())
            journal.add(entry("/music/b.ogg"))
    return path


def test_entries_come_back(database):
    first, second = list_runs(database)
    assert (first.options, second.options) == ({"mode": "add"}, {"mode": "fill"})
    assert first.name < second.name  # though both began in the same second
    assert list(first.entries()) == [entry(), entry("/music/b.ogg")]


def test_many_runs_in_one_second_are_in_order(tmp_path, monkeypatch):
    path = tmp_path / "library.db"
    monkeypatch.setattr(time, "strftime", lambda *_: "2026-11-30T13-45-02")
    for number in range(12):
        with Journal(journal_folder(path), {"number": number}) as journal:
            journal.add(entry())
    assert [run.options["number"] for run in list_runs(path)] == list(range(12))
    assert find_run(path).options == {"number": 11}


def test_an_entry_that_was_cut_off_does_not_count(database):
    path = list_runs(database)[0].folder / ENTRIES
    path.write_bytes(path.read_bytes()[:-10])
    assert list(list_runs(database)[0].entries()) == [entry()]
    assert list_runs(database)[0].last_entry() == entry()
    path.write_bytes(path.read_bytes()[:99])  # in the first entry: the run has changed nothing
    assert len(list_runs(database)) == 1


@pytest.mark.needs("posix")
def test_a_full_disk_is_one_clear_error(tmp_path):
    """A limit on the size of files stands in for the disk."""
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.raises(MusicTagError, match="cannot be written"), Journal(tmp_path, {}) as journal:
            journal.add(entry())
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[0][1]))
            journal.add(entry())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before[0])
        signal.signal(signal.SIGXFSZ, before[1])


def test_damage_is_an_error(database):
    path = list_runs(database)[0].folder / ENTRIES
    path.write_text(path.read_text().replace("123", "124", 1))
    with pytest.raises(MusicTagError, match="Line 1 of the journal .* is damaged"):
        list(list_runs(database)[0].entries())


def test_a_newer_format_is_an_error(database):
    path = list_runs(database)[1].folder / DESCRIPTION
    path.write_text(json.dumps({"version": 2}))
    with pytest.raises(MusicTagError, match="written by a newer version"):
        list_runs(database)


def test_the_newest_run_that_is_not_undone_is_found(database):
    first, second = list_runs(database)
    assert find_run(database) == second
    second.mark_undone()
    assert find_run(database) == first
    assert find_run(database, second.name).is_undone
    first.mark_undone()
    with pytest.raises(MusicTagError, match="There is nothing to undo"):
        find_run(database)
    with pytest.raises(UnknownNameError, match="no run of `library write` 'x'"):
        find_run(database, "x")


def test_a_run_without_entries_leaves_nothing(tmp_path):
    with Journal(journal_folder(tmp_path / "library.db"), {}):
        pass
    assert list(tmp_path.iterdir()) == [] and list_runs(tmp_path / "library.db") == []

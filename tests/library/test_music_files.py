"""Music files are found whatever their names, and what cannot be searched is reported, not forgotten."""

import os
import threading

import pytest

from keras_musictag import MusicTagError
from keras_musictag.library import Database
from keras_musictag.library.music_files import (
    ClosedFolder,
    FoundFile,
    Volume,
    absolute_path,
    check_roots,
    check_volumes,
    find_music,
)
from keras_musictag.library.scan_plan import ScanPlan


def fill(folder, *names):
    for name in names:
        path = os.path.join(os.fsencode(folder), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"music")


def without_volumes(found):
    return [each for each in found if not isinstance(each, Volume)]


def names_in(folder, **options):
    found = without_volumes(find_music([str(folder)], **options))
    return [os.fsencode(each.path).removeprefix(os.fsencode(folder) + b"/") for each in found]


def test_files_are_found_by_suffix(tmp_path):
    fill(tmp_path, b"b.MP3", b"a.flac", b"c.txt", b"d.mp4", b"e/f.dsf", b"e/.g.mp3", b".h/i.mp3", b"$RECYCLE.BIN/j.mp3")
    assert names_in(tmp_path) == [b"a.flac", b"b.MP3", b"e/f.dsf"]
    assert names_in(tmp_path, video=True) == [b"a.flac", b"b.MP3", b"d.mp4", b"e/f.dsf"]
    (found, *_) = without_volumes(find_music([str(tmp_path)]))
    assert (found.size_bytes, found.problem) == (5, None) and found.mtime_ns == os.stat(found.path).st_mtime_ns


@pytest.mark.needs("any_file_name")
def test_names_may_be_any_bytes(tmp_path):
    names = [b"a\nb.mp3", b"caf\xe9.mp3", b"\xff" * 251 + b".mp3"]
    fill(tmp_path, *names)
    assert names_in(tmp_path) == names


@pytest.mark.needs("posix")
def test_links_are_followed_once(tmp_path):
    fill(tmp_path, b"a/1.mp3", b"a/b/2.mp3")
    (tmp_path / "a" / "b" / "loop").symlink_to(tmp_path)
    (tmp_path / "twice").symlink_to(tmp_path / "a")
    assert names_in(tmp_path) == [b"a/1.mp3", b"a/b/2.mp3"]


def test_folders_without_numbers_are_all_searched(tmp_path, monkeypatch):
    fill(tmp_path, b"a/1.mp3", b"b/2.mp3")
    real = os.stat

    def without_number(path, **options):
        _, (fields, others) = real(path, **options).__reduce__()
        return os.stat_result((fields[0], 0, *fields[2:]), others)

    monkeypatch.setattr(os, "stat", without_number)
    found = [file.path for file in without_volumes(find_music([str(tmp_path), str(tmp_path / "a")]))]
    monkeypatch.undo()
    assert found == [str(tmp_path / "a" / "1.mp3"), str(tmp_path / "b" / "2.mp3")]


@pytest.mark.needs("posix")
def test_a_date_after_2262_can_be_stored(tmp_path):
    fill(tmp_path, b"a.mp3")
    os.utime(tmp_path / "a.mp3", ns=(10**19, 10**19))
    (found,) = without_volumes(find_music([str(tmp_path)]))
    with Database(tmp_path / "library.db", create=True) as database:
        ScanPlan(database, [found])
        database.put_file(found.path, found.size_bytes, found.mtime_ns)
        assert database.file_state(found.path) == (found.size_bytes, found.mtime_ns)


@pytest.mark.needs("posix")
def test_what_is_no_file_is_a_problem(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp3")
    (tmp_path / "self.mp3").symlink_to(tmp_path / "self.mp3")
    pipe, link = without_volumes(find_music([str(tmp_path)]))
    assert "pipe, socket or device" in pipe.problem and "cannot be read" in link.problem


@pytest.mark.needs("posix")
def test_an_unplugged_drive_is_reported(tmp_path):
    fill(tmp_path, b"1.mp3")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    file, link, empty = without_volumes(find_music([str(tmp_path)]))
    assert isinstance(file, FoundFile)
    assert link == ClosedFolder(str(tmp_path / "link"), "It is a link to something that does not exist")
    assert empty.path == str(tmp_path / "empty") and "may not be connected" in empty.reason and empty.is_empty


def test_what_cannot_be_identified_is_reported(tmp_path, monkeypatch):
    """As on network shares whose listing does not say what is a folder, and that then do not answer."""
    fill(tmp_path, b"a/1.mp3", b"b/2.mp3", b"c.mp3")
    real = os.scandir

    class Listing(list):
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    class Unknown:
        def __init__(self, entry):
            self.name, self.path, self.is_symlink = entry.name, entry.path, entry.is_symlink

        def is_dir(self):
            raise OSError(5, "Input/output error")

    def scandir(path):
        with real(path) as entries:
            return Listing(Unknown(entry) if entry.name[0] in "bc" else entry for entry in entries)

    monkeypatch.setattr(os, "scandir", scandir)
    found = without_volumes(find_music([str(tmp_path)]))
    monkeypatch.undo()
    assert found[0] == ClosedFolder(str(tmp_path / "b"), "Input/output error")
    assert [each.path for each in found[1:]] == [str(tmp_path / "c.mp3"), str(tmp_path / "a" / "1.mp3")]


@pytest.mark.needs("permissions")
def test_a_closed_folder_is_reported(tmp_path):
    fill(tmp_path, b"1.mp3", b"a/2.mp3")
    (tmp_path / "a").chmod(0)
    assert without_volumes(find_music([str(tmp_path)]))[1] == ClosedFolder(str(tmp_path / "a"), "Permission denied")
    (tmp_path / "a").chmod(0o700)


def test_a_root_must_exist_and_hold_something(tmp_path):
    fill(tmp_path, b"a/1.mp3")
    (tmp_path / "empty").mkdir()
    assert check_roots([tmp_path / "a"]) == (str(tmp_path / "a"),)
    with pytest.raises(FileNotFoundError, match="drive or network share"):
        check_roots([tmp_path / "gone"])
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        check_roots([tmp_path / "a" / "1.mp3"])
    with pytest.raises(MusicTagError, match="empty"):
        check_roots([tmp_path / "a", tmp_path / "empty"])
    with pytest.raises(ValueError, match="`folders`"):
        check_roots([])


def test_letters_of_a_path_are_those_of_the_disk(tmp_path, monkeypatch):
    """A file system of macOS or Windows: names are found in any letters."""
    (tmp_path / "Music" / "Jazz").mkdir(parents=True)
    typed = str(tmp_path / "MUSIC" / "jazz")
    assert absolute_path(typed) == typed  # here, the letters matter
    with monkeypatch.context() as patched:
        exists = os.path.lexists
        patched.setattr(os.path, "lexists", lambda path: "new" in path or exists(path) or "music" in path.casefold())
        real = os.listdir
        patched.setattr(os, "listdir", lambda path: real(str(path).replace("MUSIC", "Music")))
        assert absolute_path(typed) == str(tmp_path / "Music" / "Jazz")
        assert absolute_path(tmp_path / "music" / ".." / "new") == str(tmp_path / "new")


@pytest.mark.needs("posix")
def test_a_link_in_other_letters_is_another_folder(tmp_path):
    (tmp_path / "music").mkdir()
    (tmp_path / "MUSIC").symlink_to(tmp_path / "music")
    assert absolute_path(tmp_path / "MUSIC") == str(tmp_path / "MUSIC")


def test_a_volume_is_named_before_its_files(tmp_path):
    fill(tmp_path, b"a/1.mp3", b"b/2.mp3")
    device = os.stat(tmp_path).st_dev
    volume, *others = find_music([str(tmp_path)])
    assert volume == Volume(str(tmp_path), device) and len(others) == 2
    check_volumes([volume], 60.0)


def test_a_volume_that_has_gone_is_an_error(tmp_path):
    fill(tmp_path, b"a/1.mp3")
    (tmp_path / "empty").mkdir()
    device = os.stat(tmp_path).st_dev
    with pytest.raises(MusicTagError, match="can no longer be read .*network share disconnected"):
        check_volumes([Volume(str(tmp_path / "gone"), device)], 60.0)
    for volume in (Volume(str(tmp_path / "empty"), device), Volume(str(tmp_path / "a"), device + 1)):
        with pytest.raises(MusicTagError, match="has lost its files"):
            check_volumes([volume], 60.0)


def test_a_volume_that_does_not_answer_is_an_error(tmp_path, monkeypatch):
    answered, real = threading.Event(), os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: answered.wait(60) and real(path))
    with pytest.raises(MusicTagError, match="does not answer within 0.01 s"):
        check_volumes([Volume(str(tmp_path), 1)], 0.01)
    answered.set()

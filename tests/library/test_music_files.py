"""Music files are found whatever their names, and what cannot be searched is reported, not forgotten."""

import os

import pytest

from keras_musictag import MusicTagError
from keras_musictag.library import Database
from keras_musictag.library.music_files import ClosedFolder, FoundFile, check_roots, find_music
from keras_musictag.library.scan_plan import ScanPlan


def fill(folder, *names):
    for name in names:
        path = os.path.join(os.fsencode(folder), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"music")


def names_in(folder, **options):
    found = find_music([str(folder)], **options)
    return [os.fsencode(each.path).removeprefix(os.fsencode(folder) + b"/") for each in found]


def test_files_are_found_by_suffix(tmp_path):
    fill(tmp_path, b"b.MP3", b"a.flac", b"c.txt", b"d.mp4", b"e/f.dsf", b"e/.g.mp3", b".h/i.mp3", b"$RECYCLE.BIN/j.mp3")
    assert names_in(tmp_path) == [b"a.flac", b"b.MP3", b"e/f.dsf"]
    assert names_in(tmp_path, video=True) == [b"a.flac", b"b.MP3", b"d.mp4", b"e/f.dsf"]
    (found, *_) = find_music([str(tmp_path)])
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
    found = [file.path for file in find_music([str(tmp_path), str(tmp_path / "a")])]
    monkeypatch.undo()
    assert found == [str(tmp_path / "a" / "1.mp3"), str(tmp_path / "b" / "2.mp3")]


@pytest.mark.needs("posix")
def test_a_date_after_2262_can_be_stored(tmp_path):
    fill(tmp_path, b"a.mp3")
    os.utime(tmp_path / "a.mp3", ns=(10**19, 10**19))
    (found,) = find_music([str(tmp_path)])
    with Database(tmp_path / "library.db", create=True) as database:
        ScanPlan(database, [found])
        database.put_file(found.path, found.size_bytes, found.mtime_ns)
        assert database.file_state(found.path) == (found.size_bytes, found.mtime_ns)


@pytest.mark.needs("posix")
def test_what_is_no_file_is_a_problem(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp3")
    (tmp_path / "self.mp3").symlink_to(tmp_path / "self.mp3")
    pipe, link = find_music([str(tmp_path)])
    assert "pipe, socket or device" in pipe.problem and "cannot be read" in link.problem


@pytest.mark.needs("posix")
def test_an_unplugged_drive_is_reported(tmp_path):
    fill(tmp_path, b"1.mp3")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    file, link, empty = find_music([str(tmp_path)])
    assert isinstance(file, FoundFile)
    assert link == ClosedFolder(str(tmp_path / "link"), "It is a link to something that does not exist")
    assert empty.path == str(tmp_path / "empty") and "may not be connected" in empty.reason


@pytest.mark.needs("permissions")
def test_a_closed_folder_is_reported(tmp_path):
    fill(tmp_path, b"1.mp3", b"a/2.mp3")
    (tmp_path / "a").chmod(0)
    assert list(find_music([str(tmp_path)]))[1] == ClosedFolder(str(tmp_path / "a"), "Permission denied")
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

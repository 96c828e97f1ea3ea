"""Files are written completely or not at all, and a folder is locked for one process at a time."""

import csv
import errno
import os
import subprocess
import sys
import time

import pytest

from keras_musictag.cli._messages import describe
from keras_musictag.errors import MusicTagError
from keras_musictag.files import (
    OLD_SECONDS,
    locked,
    remove_scratch,
    scratch_name,
    whole_file,
    write_csv,
    write_json,
)


def test_a_file_written_whole_gets_its_name(tmp_path):
    with whole_file(tmp_path / "a.csv") as scratch:
        scratch.write_text("all")
        assert not (tmp_path / "a.csv").exists()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.csv", "all")]


def test_a_failed_write_keeps_the_old_file(tmp_path):
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(OSError, match="full"), whole_file(tmp_path / "a.csv") as scratch:
        scratch.write_text("ha")
        raise OSError("full")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.csv", "old")]


def test_several_may_write_one_file(tmp_path):
    path = tmp_path / "a.txt"
    with whole_file(path) as one, whole_file(path) as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one" and list(tmp_path.iterdir()) == [path]


def test_a_scratch_file_may_be_in_another_folder(tmp_path):
    (tmp_path / "work").mkdir()
    with whole_file(tmp_path / "deep" / "a.txt", tmp_path / "work") as scratch:
        assert scratch.parent == tmp_path / "work"
        scratch.touch()
    assert (tmp_path / "deep" / "a.txt").exists()


def test_old_scratch_files_are_removed(tmp_path):
    young, old, folder, mine = (
        tmp_path / name for name in (scratch_name(), scratch_name(".npz"), scratch_name(), "a.part")
    )
    folder.mkdir()
    (folder / "file").touch()
    for path in (young, old, mine):
        path.touch()
    long_ago = time.time() - OLD_SECONDS - 1
    for path in (old, folder, mine):
        os.utime(path, (long_ago, long_ago))
    remove_scratch(tmp_path)
    assert set(tmp_path.iterdir()) == {young, mine}
    remove_scratch(tmp_path, older_seconds=0)
    assert list(tmp_path.iterdir()) == [mine]
    remove_scratch(tmp_path / "none")


def test_json_and_text_are_utf8_with_unix_line_ends(tmp_path):
    write_json(tmp_path / "a.json", {"a": ["é"]})
    write_json(tmp_path / "b.json", {"a": ["é"]}, indent=None, ensure_ascii=False)
    assert (tmp_path / "a.json").read_bytes() == b'{\n "a": [\n  "\\u00e9"\n ]\n}\n'
    assert (tmp_path / "b.json").read_bytes() == '{"a": ["é"]}\n'.encode()


def test_any_name_of_a_file_survives_the_csv(tmp_path):
    names = ["a\rb", "a\nb", 'a,"b"', "é", "\udcff", ""]
    write_csv(tmp_path / "a.csv", ["name", "number"], ([name, 0.1] for name in names))
    assert (tmp_path / "a.csv").read_bytes().startswith(b'name,number\n"a\rb",0.1\n')
    with open(tmp_path / "a.csv", newline="", encoding="utf-8", errors="surrogateescape") as file:
        assert list(csv.reader(file))[1:] == [[name, "0.1"] for name in names]


@pytest.mark.needs("linux")  # /dev/full, a full disk
def test_a_full_disk_names_the_file(tmp_path):
    with pytest.raises(OSError) as error, whole_file(tmp_path / "a.csv"):
        with open("/dev/full", "wb", buffering=0) as full:
            full.write(b"a")
    assert describe(error.value) == f"No space left on device: {tmp_path / 'a.csv'}."


def test_the_scratch_file_keeps_the_extension(tmp_path):
    with whole_file(tmp_path / "a.taggram.png") as scratch:
        assert (scratch.parent, scratch.suffix) == (tmp_path, ".png")
        scratch.touch()


def test_a_write_error_names_the_requested_file(tmp_path):
    with pytest.raises(PermissionError) as error, whole_file(tmp_path / "a.png") as scratch:
        raise PermissionError(13, "Permission denied", str(scratch))
    assert describe(error.value) == f"Permission denied: {tmp_path / 'a.png'}."
    assert str(error.value) == f"[Errno 13] Permission denied: '{tmp_path / 'a.png'}'"


def test_a_read_error_names_its_own_file(tmp_path):
    with pytest.raises(PermissionError) as error, whole_file(tmp_path / "a.png"):
        raise PermissionError(13, "Permission denied", "font.ttf")
    assert describe(error.value) == "Permission denied: font.ttf."


def test_a_folder_is_locked_for_other_processes(tmp_path):
    imports = "from pathlib import Path; from keras_musictag.files import locked"
    code = f"{imports}; locked(Path({str(tmp_path)!r})).__enter__()"
    hold = [sys.executable, "-c", code]
    with locked(tmp_path):
        refused = subprocess.run(hold, capture_output=True, text=True, check=False)
        assert refused.returncode == 1
        assert (
            f"Another process is writing {str(tmp_path)!r}. Wait until it has finished, or stop it." in refused.stderr
        )
    assert subprocess.run(hold, check=False).returncode == 0
    with locked(tmp_path):
        pass


def test_a_lock_ends_with_a_killed_process(tmp_path):
    imports = "import time; from pathlib import Path; from keras_musictag.files import locked"
    code = f"{imports}; lock = locked(Path({str(tmp_path)!r})); lock.__enter__(); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout.readline() == b"\n"
            with pytest.raises(MusicTagError, match="Another process is writing"), locked(tmp_path):
                pass
        finally:
            holder.kill()
    with locked(tmp_path):
        pass


@pytest.mark.needs("posix")  # Windows has no flock
def test_a_file_system_without_locks_is_written_to(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    with locked(tmp_path):
        (tmp_path / "written").touch()


def test_a_folder_that_cannot_be_locked_is_an_error(tmp_path):
    (tmp_path / ".lock").mkdir()
    with pytest.raises(OSError, match="lock"), locked(tmp_path):
        pass

"""A file is written whole or not at all."""

import errno
import subprocess
import sys

import pytest

from keras_musictag.cli._messages import describe
from keras_musictag.errors import MusicTagError
from keras_musictag.files import locked, whole_file


def test_a_file_written_whole_gets_its_name(tmp_path):
    with whole_file(tmp_path / "a.csv") as scratch:
        scratch.write_text("all")
        assert not (tmp_path / "a.csv").exists()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.csv", "all")]


def test_a_file_that_failed_leaves_the_old_one_and_nothing_else(tmp_path):
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(OSError, match="full"), whole_file(tmp_path / "a.csv") as scratch:
        scratch.write_text("ha")
        raise OSError("full")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.csv", "old")]


@pytest.mark.needs("linux")  # /dev/full, a full disk
def test_a_full_disk_names_the_file(tmp_path):
    with pytest.raises(OSError) as error, whole_file(tmp_path / "a.csv"):
        with open("/dev/full", "wb", buffering=0) as full:
            full.write(b"a")
    assert describe(error.value) == f"No space left on device: {tmp_path / 'a.csv'}."


def test_the_scratch_file_keeps_the_ending_that_says_its_format(tmp_path):
    with whole_file(tmp_path / "a.taggram.png") as scratch:
        assert (scratch.parent, scratch.suffix) == (tmp_path, ".png")
        scratch.touch()


def test_an_error_in_writing_names_the_file_that_was_asked_for(tmp_path):
    with pytest.raises(PermissionError) as error, whole_file(tmp_path / "a.png") as scratch:
        raise PermissionError(13, "Permission denied", str(scratch))
    assert describe(error.value) == f"Permission denied: {tmp_path / 'a.png'}."
    assert str(error.value) == f"[Errno 13] Permission denied: '{tmp_path / 'a.png'}'"


def test_an_error_in_reading_names_the_file_that_it_is_about(tmp_path):
    with pytest.raises(PermissionError) as error, whole_file(tmp_path / "a.png"):
        raise PermissionError(13, "Permission denied", "font.ttf")
    assert describe(error.value) == "Permission denied: font.ttf."


def test_a_folder_is_locked_for_other_processes_until_the_holder_ends(tmp_path):
    imports = "from pathlib import Path; from keras_musictag.files import locked"
    code = f"{imports}; locked(Path({str(tmp_path)!r})).__enter__()"
    hold = [sys.executable, "-c", code]
    with locked(tmp_path):
        refused = subprocess.run(hold, capture_output=True, text=True, check=False)
        assert refused.returncode == 1
        assert f"Another process is writing {str(tmp_path)!r}. Wait until it has ended, or end it." in refused.stderr
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


def test_a_file_system_without_locks_is_written_to(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(tmp_path):
        (tmp_path / "written").touch()


def test_a_folder_that_cannot_be_locked_is_an_error(tmp_path):
    (tmp_path / ".lock").mkdir()
    with pytest.raises(OSError, match="lock"), locked(tmp_path):
        pass

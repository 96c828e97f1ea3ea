"""An exported folder appears completely or not at all, and other files are not changed.

The models here are only text, and nothing is computed: `test_export.py` tests the exported models.
"""

import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

import keras_musictag as kmt
from keras_musictag import files
from keras_musictag.runtimes import check_signals, comparison, export, read_artefact
from keras_musictag.runtimes.formats import onnx, savedmodel

PARTS = ["artefact.json", "example.py", "model.onnx", "tags.csv"]


def names_in(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def a_word(tagger, folder, precision, form, version=None):
    path = folder / "model.onnx" if version is None else folder / str(version) / "saved_model.pb"
    path.parent.mkdir(exist_ok=True)
    path.write_text("model")


@pytest.fixture
def words(monkeypatch):
    """Makes exports quick."""
    for module in (onnx, savedmodel):
        monkeypatch.setattr(module, "write", a_word)
    monkeypatch.setattr(check_signals, "signals", lambda *_: {})
    monkeypatch.setattr(check_signals, "keras_outputs", lambda *_: {})
    monkeypatch.setattr(comparison, "differences", lambda *_: {"music": 0.0})


@pytest.fixture
def during(words, monkeypatch):
    """A function that sets what happens after the model was written, during an export."""

    def set_event(event):
        def write(tagger, folder, *others, **version):
            a_word(tagger, folder, *others, **version)
            event()

        for module in (onnx, savedmodel):
            monkeypatch.setattr(module, "write", write)

    return set_event


def test_above_the_tolerance_nothing_is_left(tiny, words, tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "differences", lambda *_: {"music": 1e-4, "noise": 1e-3})
    with pytest.raises(kmt.ExportError, match=r"differs from Keras by 1.0e-03 on noise; the limit is 5e-04"):
        export(tiny, "onnx", tmp_path / "a" / "b" / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_export_leaves_nothing(tiny, during, tmp_path, error):
    def interrupt():
        assert len(list(tmp_path.iterdir())) == 1  # what is being written
        raise error

    during(interrupt)
    with pytest.raises(error):
        export(tiny, "onnx", tmp_path / "a" / "b" / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("linux")  # /dev/full, a full disk
def test_a_full_disk_is_reported_and_leaves_nothing(tiny, words, tmp_path, monkeypatch):
    def write(tagger, folder, precision, form):
        (folder / "model.onnx").symlink_to("/dev/full")
        a_word(tagger, folder, precision, form)

    monkeypatch.setattr(onnx, "write", write)
    with pytest.raises(OSError, match="No space left on device"):
        export(tiny, "onnx", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("posix")  # kills a fork of this process
def test_a_killed_export_leaves_no_folder_and_the_next_one_works(tiny, words, during, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 1)  # as in a container, each time
    during(lambda: signal.raise_signal(signal.SIGKILL))
    child = os.fork()
    if child == 0:
        try:
            export(tiny, "onnx", tmp_path / "out")
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    (scratch,) = tmp_path.iterdir()
    assert scratch.name.startswith(".keras_musictag-") and names_in(scratch) == ["model.onnx"]
    monkeypatch.setattr(onnx, "write", a_word)
    export(tiny, "onnx", tmp_path / "out")
    assert names_in(tmp_path / "out") == PARTS
    assert scratch.is_dir()  # it might still be running
    long_ago = time.time() - 2 * files.OLD_SECONDS
    os.utime(scratch, (long_ago, long_ago))
    export(tiny, "onnx", tmp_path / "again")
    assert names_in(tmp_path) == ["again", "out"]


def test_two_threads_export_to_one_path_and_one_fails(tiny, during, tmp_path):
    both = threading.Barrier(2, timeout=60)
    during(both.wait)
    found = []

    def work():
        try:
            found.append(export(tiny, "onnx", tmp_path / "out").name)
        except kmt.ExportError as error:
            found.append("already exists" in str(error))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found, key=str) == [True, tiny.name]
    assert names_in(tmp_path) == ["out"] and names_in(tmp_path / "out") == PARTS


def test_a_folder_of_another_process_is_left_alone(tiny, during, tmp_path):
    for parts in ((), ("out",)):  # the folder does not exist, or is empty
        target = tmp_path.joinpath("a", *parts)
        during(lambda target=target: (target.mkdir(exist_ok=True), (target / "mine.txt").write_text("mine")))
        if parts:
            target.mkdir()
        with pytest.raises(kmt.ExportError, match="already exists"):
            export(tiny, "onnx", target)
        assert names_in(target) == ["mine.txt"]
        (target / "mine.txt").unlink()
    assert names_in(tmp_path) == ["a"] and names_in(tmp_path / "a") == ["out"]


def test_a_version_of_another_process_is_left_alone(tiny, words, during, tmp_path):
    before = export(tiny, "savedmodel", tmp_path)

    def theirs():
        (tmp_path / "2").mkdir()
        (tmp_path / "2" / "saved_model.pb").write_text("theirs")

    during(theirs)
    with pytest.raises(kmt.ExportError, match="already has version 2. Received: version=2"):
        export(tiny, "savedmodel", tmp_path, version=2)
    assert (tmp_path / "2" / "saved_model.pb").read_text() == "theirs"
    assert read_artefact(tmp_path) == before
    assert names_in(tmp_path) == ["1", "2", "artefact.json", "example.py", "tags.csv"]


@pytest.mark.parametrize("is_there", [False, True])
def test_a_process_that_is_faster_by_a_moment_is_left_alone(tiny, words, tmp_path, monkeypatch, is_there):
    target = tmp_path / "out"
    if is_there:
        export(tiny, "savedmodel", target)
    theirs = target / "2" if is_there else target
    replace = Path.replace

    def late(path, to):
        if Path(to) == theirs:
            theirs.mkdir()
            (theirs / "theirs").write_text("theirs")
        return replace(path, to)

    monkeypatch.setattr(Path, "replace", late)
    with pytest.raises(kmt.ExportError, match="already has version 2. Received" if is_there else "already exists"):
        export(tiny, "savedmodel", target, version=2)
    assert names_in(theirs) == ["theirs"]
    assert names_in(tmp_path) == ["out"]


def test_an_empty_folder_is_filled_where_it_is(tiny, words, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    before = (tmp_path / "out").stat().st_ino
    monkeypatch.chdir(tmp_path / "out")
    export(tiny, "onnx", ".")
    assert (tmp_path / "out").stat().st_ino == before
    assert sorted(os.listdir(".")) == PARTS  # the working directory still exists
    assert names_in(tmp_path) == ["out"]


def test_a_folder_that_fails_to_be_filled_stays_empty(tiny, words, tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "differences", lambda *_: {"music": 1.0})
    with pytest.raises(kmt.ExportError):
        export(tiny, "onnx", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_old_scratch_in_a_finished_folder_is_removed(tiny, words, tmp_path):
    scratch = tmp_path / files.scratch_name()
    scratch.mkdir()
    export(tiny, "onnx", tmp_path)
    assert names_in(tmp_path) == [scratch.name, *PARTS]  # it might still be running
    long_ago = time.time() - 2 * files.OLD_SECONDS
    os.utime(scratch, (long_ago, long_ago))
    with pytest.raises(kmt.ExportError, match="already exists"):
        export(tiny, "onnx", tmp_path)
    assert names_in(tmp_path) == PARTS


def test_a_file_above_is_named_as_given(tiny, words, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(NotADirectoryError) as raised:
        export(tiny, "onnx", tmp_path / "file" / "a" / "out")
    assert raised.value.filename == str(tmp_path / "file" / "a" / "out")


@pytest.mark.needs("permissions")
def test_a_folder_without_permission_is_named_as_given(tiny, words, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    for target in (tmp_path / "locked", tmp_path / "locked" / "a" / "out"):
        with pytest.raises(PermissionError) as raised:
            export(tiny, "onnx", target)
        assert str(raised.value) == f"[Errno 13] Permission denied: '{target}'"


def test_a_part_that_cannot_be_written_is_named_as_given(tiny, words, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "write", lambda tagger, folder, *_: (folder / "gone" / "model.onnx").write_text("model"))
    with pytest.raises(FileNotFoundError) as raised:
        export(tiny, "onnx", tmp_path / "out")
    assert raised.value.filename == str(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_followed(tiny, words, tmp_path):
    (tmp_path / "disk").mkdir()
    for name in ("empty", "new"):
        (tmp_path / name).symlink_to(tmp_path / "disk" / name)
    (tmp_path / "disk" / "empty").mkdir()
    for name in ("empty", "new"):
        export(tiny, "onnx", tmp_path / name)
        assert (tmp_path / name).is_symlink()
        assert names_in(tmp_path / "disk" / name) == PARTS
    assert names_in(tmp_path) == ["disk", "empty", "new"]
    assert names_in(tmp_path / "disk") == ["empty", "new"]


def test_a_taken_path_is_left_alone(tiny, words, tmp_path):
    export(tiny, "onnx", tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    for format in ("onnx", "savedmodel"):
        with pytest.raises(kmt.ExportError, match="Name another folder"):
            export(tiny, format, tmp_path / "out")
    with pytest.raises(kmt.ExportError, match="already exists"):
        export(tiny, "onnx", tmp_path / "out" / "tags.csv")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before
    assert names_in(tmp_path) == ["out"]


def test_versions_of_a_savedmodel_are_side_by_side(tiny, words, tmp_path):
    folder = tmp_path / "served"
    export(tiny, "savedmodel", folder)
    artefact = export(tiny, "savedmodel", folder, version=3)
    assert names_in(folder) == ["1", "3", "artefact.json", "example.py", "tags.csv"]
    assert set(artefact.files) == {"3/saved_model.pb"}
    assert read_artefact(folder) == artefact
    assert '"3"' in (folder / "example.py").read_text()
    for version in (1, 2, 3):
        with pytest.raises(kmt.ExportError, match=f"has version 3. Received: version={version}"):
            export(tiny, "savedmodel", folder, version=version)
    assert names_in(tmp_path) == ["served"]


def test_damaged_settings_take_no_further_version(tiny, words, tmp_path):
    export(tiny, "savedmodel", tmp_path)
    (tmp_path / "artefact.json").write_text("{")
    with pytest.raises(kmt.ExportError, match=r"artefact\.json is damaged.* Name another folder, or remove this one"):
        export(tiny, "savedmodel", tmp_path, version=2)
    assert names_in(tmp_path) == ["1", "artefact.json", "example.py", "tags.csv"]


def test_a_version_that_was_changed_or_taken_back_is_no_obstacle(tiny, words, tmp_path):
    for version in (1, 2):
        export(tiny, "savedmodel", tmp_path, version=version)
    (tmp_path / "2" / "saved_model.pb").write_text("another")
    export(tiny, "savedmodel", tmp_path, version=3)
    shutil.rmtree(tmp_path / "3")
    assert set(export(tiny, "savedmodel", tmp_path, version=3).files) == {"3/saved_model.pb"}
    for version in (1, 2, 3):
        shutil.rmtree(tmp_path / str(version))
    export(tiny, "savedmodel", tmp_path)
    assert names_in(tmp_path) == ["1", "artefact.json", "example.py", "tags.csv"]


def test_killed_between_moves_the_settings_are_the_old_ones(tiny, words, tmp_path, monkeypatch):
    before = export(tiny, "savedmodel", tmp_path)
    replace = Path.replace

    def kill_at_the_settings(path, target):
        if Path(target) == tmp_path / "artefact.json":
            raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", kill_at_the_settings)
    with pytest.raises(KeyboardInterrupt):
        export(tiny, "savedmodel", tmp_path, version=2)
    assert names_in(tmp_path / "2") == ["saved_model.pb"]
    assert read_artefact(tmp_path) == before

"""Lists of files, the folder of parts, what one worker does, and a Ray cluster one of whose workers is killed."""

import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from keras_musictag import MusicTagError
from keras_musictag.cli import library
from keras_musictag.library import Database, distribute, import_parts, read_vectors, scan
from keras_musictag.library.distributing import JOB_FILE, PartScanner, absolute_path, read_manifest, start_job
from keras_musictag.library.scan_models import choose_model
from tests.library.music_folder import write_music

WORKER = b"ray::MapWorker(Map(PartScanner)).submit"  # the name of a process that is scanning a part


def test_a_list_has_one_path_per_line(tmp_path):
    (tmp_path / "list").write_bytes(b"/music/a b.mp3\r\n\ncaf\xe9.mp3\n../b.mp3\n/music/a b.mp3\n")
    assert read_manifest(tmp_path / "list") == [
        "/music/a b.mp3",
        f"{tmp_path}/caf\udce9.mp3",
        f"{tmp_path.parent}/b.mp3",
    ]


def test_names_with_line_breaks_end_with_nul(tmp_path):
    (tmp_path / "list").write_bytes(b"/music/a\n.mp3\0/music/b\r\0")
    assert read_manifest(tmp_path / "list") == ["/music/a\n.mp3", "/music/b\r"]


def test_a_list_without_paths_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no list of files"):
        read_manifest(tmp_path / "list")
    (tmp_path / "list").write_text("\n\n")
    with pytest.raises(ValueError, match="has no paths"):
        read_manifest(tmp_path / "list")


def test_parts_of_another_job_are_not_continued(tmp_path):
    (tmp_path / "out").mkdir()
    start_job(tmp_path / "out", ["/a.mp3"], choose_model("vgg"), 2)
    start_job(tmp_path / "out", ["/a.mp3"], choose_model("vgg"), 2)
    with pytest.raises(MusicTagError, match="differs in model, weights_sha256"):
        start_job(tmp_path / "out", ["/a.mp3"], choose_model("musicnn"), 2)
    with pytest.raises(MusicTagError, match="differs in files_sha256, part_files"):
        start_job(tmp_path / "out", ["/b.mp3"], choose_model("vgg"), 3)


def test_without_ray_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MusicTagError, match=r"keras-musictag\[ray\]"):
        distribute(tmp_path / "list", tmp_path / "out")


@pytest.fixture
def worker(tmp_path, exported_vgg_onnx):
    """A function that scans files as a worker on Ray does."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / JOB_FILE).write_text("{}")
    scanner = PartScanner(choose_model(exported_vgg_onnx, engine="onnx"), tmp_path / "out", 1, 60.0)
    return lambda *paths: scanner({"part": "part-000000.parquet", "paths": [str(path).encode() for path in paths]})


def test_a_part_has_the_results_of_a_scan(worker, tmp_path, exported_vgg_onnx):
    folder = tmp_path / "music"
    folder.mkdir()
    paths = [write_music(folder / f"{number}.mp3", seed=number) for number in range(2)]
    (folder / "bad.mp3").write_text("no music")
    paths += [folder / "bad.mp3", folder / "gone.mp3"]
    found = worker(*paths)
    assert (found["error"], found["tagged"], found["problems"]) == ("", 2, 2)
    with (
        Database(tmp_path / "one.db", create=True) as scanned,
        Database(tmp_path / "two.db", create=True) as imported,
    ):
        scan([folder], scanned, [exported_vgg_onnx], engine="onnx", jobs=1)
        import_parts([tmp_path / "out"], imported)
        (model,), (same,) = scanned.models(), imported.models()
        for one, other in zip(scanned.scored_files(model), imported.scored_files(same), strict=True):
            assert (one.path, one.labels, one.notes) == (other.path, other.labels, other.notes)
            assert one.scores == pytest.approx(other.scores, abs=1e-6)  # other batches round in other places
        problems = {problem.path: problem.reason for problem in imported.problems()}
        assert "cannot be read" in problems.pop(str(folder / "gone.mp3"))
        assert problems == {problem.path: problem.reason for problem in scanned.problems()}
        again = scan([folder], imported, [exported_vgg_onnx], engine="onnx", jobs=1)
        assert (again.unchanged, again.to_read) == (3, 0), "a scan after the import hears nothing again"


def test_a_worker_refuses_other_weights(tmp_path, exported_vgg_onnx):
    (tmp_path / JOB_FILE).write_text("{}")
    choice = replace(choose_model(exported_vgg_onnx, engine="onnx"), weights_sha256="ab" * 32)
    found = PartScanner(choice, tmp_path, 1, 60.0)({"part": "part-000000.parquet", "paths": [b"/a.mp3"]})
    assert "The weights of 'vgg-mtat-v1' on that machine" in found["error"]


def test_workers_get_absolute_paths_of_models(tmp_path, monkeypatch):
    (tmp_path / "my model").mkdir()
    (tmp_path / "vgg").mkdir()
    monkeypatch.chdir(tmp_path)
    assert absolute_path("my model") == tmp_path / "my model"
    assert absolute_path("vgg") == "vgg", "a name comes first, as for `load`"


def test_a_worker_reports_what_its_machine_lacks(worker, tmp_path):
    assert "None of the 1 file, such as '/nowhere/a.mp3'" in worker("/nowhere/a.mp3")["error"]
    (tmp_path / "out" / JOB_FILE).unlink()
    assert "There is no folder" in worker("/nowhere/a.mp3")["error"]
    assert not list((tmp_path / "out").iterdir())


@pytest.fixture
def ray():
    """The module, connected to a cluster on this machine with two cores."""
    import ray

    options = {"include_dashboard": False, "log_to_driver": False, "object_store_memory": 80_000_000}
    ray.init("local", num_cpus=2, **options)
    yield ray
    ray.shutdown()


class Killer(threading.Thread):
    """Kills a worker, once the first part is written and another is in work."""

    def __init__(self, out: Path):
        super().__init__(daemon=True)
        self._out, self.killed = out, None

    def run(self) -> None:
        while self.killed is None:
            time.sleep(0.05)
            if list(self._out.glob("*.parquet")):
                self.killed = next(filter(is_working, Path("/proc").glob("[0-9]*")), None)
        os.kill(int(self.killed.name), signal.SIGKILL)


def is_working(process: Path) -> bool:
    try:
        return (process / "cmdline").read_bytes().startswith(WORKER)
    except OSError:
        return False


def results(path):
    """The scores and the embedding of each file in a database, and its problems."""
    with Database(path) as database:
        (model,) = database.models()
        vectors = read_vectors(database, model)
        found = {f.path: np.append(f.scores, vectors[f.vector_row]) for f in database.scored_files(model)}
        return found, database.problems()


def run(*arguments) -> str:
    """Runs `keras-musictag library` in this process."""
    done = CliRunner().invoke(library.command, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.slow
@pytest.mark.needs("ray", "linux")
def test_a_killed_worker_loses_nothing(ray, tmp_path, exported_vgg_onnx):
    music, out = tmp_path / "music", tmp_path / "out"
    music.mkdir()
    for number in range(6):
        write_music(music / f"{number:02d}.mp3", seed=number)
    (music / "bad.mp3").write_text("no music")
    (tmp_path / "list").write_text("\n".join(f"music/{path.name}" for path in sorted(music.iterdir())))
    arguments = ["distribute", tmp_path / "list", out, "--model", exported_vgg_onnx, "--engine", "onnx", "--cores", 1]
    arguments += ["--part-files", 2]
    killer = Killer(out)
    killer.start()
    assert "6 files tagged, 1 problem, in 4 parts." in run(*arguments)
    assert killer.killed is not None, "no worker was killed"
    assert "0 parts, 4 parts of an earlier run kept" in run(*arguments)
    assert "7 files in the parts" in run("import", out, "--db", tmp_path / "parts.db")
    with Database(tmp_path / "scan.db", create=True) as database:
        scan([music], database, [exported_vgg_onnx], engine="onnx", jobs=1)
    (imported, problems), (scanned, same) = results(tmp_path / "parts.db"), results(tmp_path / "scan.db")
    assert imported.keys() == scanned.keys() and problems == same and len(problems) == 1
    for path, values in imported.items():
        assert values == pytest.approx(scanned[path], rel=1e-4, abs=1e-5)  # other batches round in other places

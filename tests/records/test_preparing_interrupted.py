import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keras_musictag.errors import MusicTagError
from keras_musictag.records import prepare
from tests.records.make import make_manifest

ROOT = Path(__file__).parents[2]
NUM_TRACKS = 80
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return make_manifest(tmp_path_factory.mktemp("audio"), NUM_TRACKS, seconds=6)


@pytest.fixture(scope="module")
def undisturbed(manifest, tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("undisturbed")
    prepare(manifest, out, jobs=1, tracks_per_shard=4)
    return contents(out)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def begin(manifest, tmp_path, jobs=2, largest_file=0) -> subprocess.Popen:
    """Prepares to `tmp_path/out` in a separate process, the first of its group."""
    (tmp_path / "manifest.pickle").write_bytes(pickle.dumps(manifest))
    arguments = [tmp_path / "manifest.pickle", tmp_path / "out", jobs, largest_file]
    command = [sys.executable, "-m", "tests.records.prepare_in_process", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE, text=True)


def wait_for_shards(out: Path, process: subprocess.Popen, number: int = 3) -> None:
    while len(list(out.glob("*.tfrecord"))) < number:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.002)


def alive(group: int) -> list[int]:
    """The processes of a group that exist and are not zombies."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of_group = path.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of_group) == group and state not in "ZX":
            found.append(int(path.parent.name))
    return found


def left_after_seconds(group: int, seconds: float = 30) -> list[int]:
    """The processes of a group that do not end by themselves."""
    deadline = time.monotonic() + seconds
    while alive(group) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive(group)


def test_two_processes_write_the_same_bytes_as_one(manifest, tmp_path, undisturbed):
    prepare(manifest, tmp_path, jobs=2, tracks_per_shard=4)
    assert contents(tmp_path) == undisturbed


def test_a_killed_run_resumes_with_the_same_bytes(manifest, tmp_path, undisturbed):
    out = tmp_path / "out"
    process = begin(manifest, tmp_path)
    wait_for_shards(out, process)
    assert len(alive(process.pid)) >= 3  # the parent and two workers are at work
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (out / "dataset.json").exists()
    done = {path: path.stat().st_mtime_ns for path in out.glob("*.tfrecord") if sidecar(path).exists()}
    assert 1 <= len(done) < NUM_TRACKS // 4
    records = prepare(manifest, out, jobs=1, tracks_per_shard=4)
    assert contents(out) == undisturbed
    assert len({track.track_id for track in records}) == NUM_TRACKS
    assert {path: path.stat().st_mtime_ns for path in done} == done  # finished work is not repeated


def sidecar(shard: Path) -> Path:
    return shard.parent / ".work" / f"{shard.name}.json"


def test_killing_the_parent_leaves_no_process(manifest, tmp_path):
    process = begin(manifest, tmp_path)
    wait_for_shards(tmp_path / "out", process, number=1)
    workers = alive(process.pid)
    assert len(workers) >= 3
    process.kill()
    process.wait()
    try:
        assert left_after_seconds(process.pid) == []
        assert not (tmp_path / "out" / "dataset.json").exists()  # they did not finish
    finally:
        for worker in alive(process.pid):
            os.kill(worker, signal.SIGKILL)
        process.stderr.close()


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_leaves_only_whole_files(manifest, tmp_path, undisturbed, jobs):
    out = tmp_path / "out"
    process = begin(manifest, tmp_path, jobs)
    wait_for_shards(out, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the whole group
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0 and "KeyboardInterrupt" in err
    assert "Traceback" not in err.replace("Traceback", "", 1)  # only the parent's message
    assert left_after_seconds(process.pid) == []
    left = contents(out)
    assert not [name for name in left if ".part" in name] and "dataset.json" not in left
    assert all(left[name] == undisturbed[name] for name in left if not name.startswith(".work"))
    prepare(manifest, out, jobs=1, tracks_per_shard=4)
    assert contents(out) == undisturbed


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_out_of_disk_space_can_resume(manifest, tmp_path, undisturbed, jobs):
    largest = sorted(len(data) for name, data in undisturbed.items() if name.endswith("tfrecord"))[-2]
    process = begin(manifest, tmp_path, jobs, largest)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "OSError: [Errno 27] File too large: " in err.splitlines()[-1]
    left = contents(tmp_path / "out")
    assert not [name for name in left if ".part" in name] and "dataset.json" not in left
    prepare(manifest, tmp_path / "out", jobs=1, tracks_per_shard=4)
    assert contents(tmp_path / "out") == undisturbed


def test_two_runs_do_not_write_one_folder(manifest, tmp_path):
    process = begin(manifest, tmp_path)
    wait_for_shards(tmp_path / "out", process, number=1)
    with pytest.raises(MusicTagError, match="Another process is writing .*out"):
        prepare(manifest, tmp_path / "out", jobs=1, tracks_per_shard=4)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

import multiprocessing
import os
import signal
import time

import pytest

from keras_musictag import processes
from keras_musictag.errors import MusicTagError
from keras_musictag.processes import begin_worker, ctrl_c_held, run_python, worker_pool

pytestmark = pytest.mark.needs("posix")  # Windows has no signal masks


def test_a_starting_worker_ignores_ctrl_c():
    worker = multiprocessing.get_context("spawn").Process(target=begin_worker)
    with ctrl_c_held():
        worker.start()
    while worker.is_alive():
        os.kill(worker.pid, signal.SIGINT)
        time.sleep(0.001)
    assert worker.exitcode == 0


def test_the_parent_gets_ctrl_c():
    with pytest.raises(KeyboardInterrupt), ctrl_c_held():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_a_killed_worker_raises_the_given_error():
    with pytest.raises(MusicTagError, match="^too little memory$") as raised:
        with worker_pool(1, MusicTagError("too little memory")) as submit:
            assert submit(abs, -1).result() == 1
            submit(os.kill, submit(os.getpid).result(), signal.SIGKILL).result()
    assert raised.value.__cause__ is not None


def test_pending_work_is_cancelled_at_the_end_of_the_block():
    with worker_pool(1, MusicTagError("killed")) as submit:
        waiting = [submit(time.sleep, 0.01) for _ in range(100)]
    assert waiting[0].done() and waiting[-1].cancelled()


def test_a_fresh_python_finds_this_package_and_no_gpu(monkeypatch, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "report.py").write_text(
        "import os, sys, keras_musictag\n"
        "print(keras_musictag.__file__, os.environ['CUDA_VISIBLE_DEVICES'], *sys.argv[1:], file=sys.stderr)\n"
        "sys.exit(3)\n"
    )
    (tmp_path / "json.py").write_text("open('it was run', 'w')")
    monkeypatch.chdir(tmp_path)  # which has a file with the name of a standard module
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "mine"))
    package = processes.PACKAGE_PARENT / "keras_musictag" / "__init__.py"
    assert run_python("report", "a", "b", seconds=60) == (3, f"{package} -1 a b")
    assert not (tmp_path / "it was run").exists()


def test_a_fresh_python_that_hangs_is_stopped():
    with pytest.raises(TimeoutError):
        run_python("keras_musictag", seconds=0.001)


def test_neighbours_of_an_installed_package_are_not_found_first(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", "mine")
    monkeypatch.setattr(processes, "PACKAGE_PARENT", tmp_path / "site-packages")
    assert processes._environment()["PYTHONPATH"] == "mine"

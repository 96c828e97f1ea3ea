import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from keras_musictag.errors import DatasetError, MusicTagError
from keras_musictag.gmtag.clips import make_all
from tests.gmtag.processes import children, is_running, wait_for

IDLE = """
import time
from keras_musictag.processes import worker_pool
if __name__ == "__main__":
    with worker_pool(2, ValueError()) as submit:
        for _ in range(2):
            submit(time.sleep, 0.1).result()
        print("idle", flush=True)
        time.sleep(600)
"""


def test_idle_workers_end_when_their_parent_is_killed(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(IDLE)
    process = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, start_new_session=True)
    process.stdout.readline()
    workers = children(process.pid)
    assert workers
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not any(is_running(pid) for pid in workers), seconds=30)


def test_no_clips_start_no_processes(installation, tmp_path):
    assert list(make_all(tmp_path, [], 2, installation)) == []


@pytest.mark.needs("mma")
def test_a_clip_that_fails_is_named(installation, tmp_path):
    with pytest.raises(DatasetError, match="Clip test_000003 cannot be made. MMA failed"):
        list(make_all(tmp_path, [("test", 3)], 2, replace(installation, mma="false")))


@pytest.mark.needs("mma")
def test_a_killed_worker_is_reported(installation, tmp_path):
    killer = tmp_path / "mma"
    killer.write_text("#!/bin/sh\nkill -9 $PPID\n")
    killer.chmod(0o755)
    with pytest.raises(MusicTagError, match="was killed.*resumes where it stopped"):
        list(make_all(tmp_path, [("test", 3)], 1, replace(installation, mma=str(killer))))

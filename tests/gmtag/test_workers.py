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


def test_workers_without_work_end_when_the_process_that_started_them_is_killed(tmp_path):
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
def test_a_clip_that_fails_is_told_by_its_name(installation, tmp_path):
    with pytest.raises(DatasetError, match="Clip test_000003 cannot be made. MMA failed"):
        list(make_all(tmp_path, [("test", 3)], 2, replace(installation, mma="false")))


@pytest.mark.needs("mma")
def test_a_worker_that_is_killed_is_told(installation, tmp_path):
    killer = tmp_path / "mma"
    killer.write_text("#!/bin/sh\nkill -9 $PPID\n")
    killer.chmod(0o755)
    with pytest.raises(MusicTagError, match="was killed.*goes on where it stopped"):
        list(make_all(tmp_path, [("test", 3)], 1, replace(installation, mma=str(killer))))

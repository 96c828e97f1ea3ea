import multiprocessing
import os
import signal
import time

import pytest

from keras_musictag.processes import begin_worker, ctrl_c_held

pytestmark = pytest.mark.needs("posix")  # Windows has no signal masks


def test_a_worker_does_not_hear_ctrl_c_while_it_starts():
    worker = multiprocessing.get_context("spawn").Process(target=begin_worker)
    with ctrl_c_held():
        worker.start()
    while worker.is_alive():
        os.kill(worker.pid, signal.SIGINT)
        time.sleep(0.001)
    assert worker.exitcode == 0


def test_the_parent_hears_it():
    with pytest.raises(KeyboardInterrupt), ctrl_c_held():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])

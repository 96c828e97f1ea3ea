"""Records that a network can learn in a few steps, and separate processes for training."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.records.make import make_records

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def records_folder(tmp_path_factory) -> Path:
    """20 generated tracks of 4 s."""
    return make_records(tmp_path_factory.mktemp("training"), num_tracks=20, seconds=4.0).folder


@pytest.fixture(scope="session")
def run_python():
    """A function that runs Python code in a separate process, and returns the finished process."""

    def run(code: str, *arguments, **environment) -> subprocess.CompletedProcess:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "KERAS"))}
        settings = {**kept, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT), **environment}
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)

    return run

"""`prepare audio` and `train --teacher`: from a folder of music to a student that is killed and resumed."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from keras_musictag import load
from tests.cli.conftest import VGG
from tests.records.make import make_manifest

ROOT = Path(__file__).parents[2]
SMALL = '{"filters": [4, 4, 4, 4, 8, 8, 8], "units": 8}'
RECIPE = {
    "summary": "a test",
    "batch_size": 4,
    "chunks_per_track": 3,
    "validation_chunks": 2,
    "phases": [{"optimizer": "adam", "learning_rate": 1e-3, "steps": 5, "schedule": "cosine", "warmup_steps": 1}],
    "teaching": {"statistics_steps": 2},
}
OPTIONS = ["--teacher", VGG, "--recipe", "teach.json", "--config", SMALL, "--precision", "bfloat16"]
OPTIONS += ["--deterministic", "--checkpoint-seconds", "0"]

# Trains to "whole", then to "killed", where it is killed after two steps of the second epoch
TRAIN_AND_DIE = """
import os, signal, sys, threading, time
from pathlib import Path
from keras_musictag.cli import main
from keras_musictag.training.run_state import read_position

def run(out):
    sys.argv = ["keras-musictag", "train", "records", out, *sys.argv[1:]] if len(sys.argv) > 1 else sys.argv
    try:
        main()
    except SystemExit as end:
        assert not end.code, end.code

def die():
    state = Path("killed/state.safetensors")
    while not state.exists() or (read_position(state).epoch, read_position(state).step) < (1, 2):
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)

options = sys.argv[1:]
run("whole")
sys.argv = ["", *options]
threading.Thread(target=die, daemon=True).start()
run("killed")
"""


@pytest.fixture
def records(folder, call):
    """Six tracks of 4 s without labels, two of them for validation."""
    make_manifest(folder / "audio", 6, seconds=4.0)
    outcome = call("prepare", "audio", "audio", "records", "--fractions", "0.6", "0.4", "0")
    assert outcome.code == 0, outcome.err
    assert "no labels" in outcome.out and "Warning" not in outcome.err
    (folder / "teach.json").write_text(json.dumps(RECIPE))


@pytest.mark.slow
def test_a_killed_student_resumes_to_the_same_weights(run, folder, records, environment):
    died = subprocess.run(
        [sys.executable, "-c", TRAIN_AND_DIE, *OPTIONS],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert died.returncode == -9, died.stderr
    assert (folder / "whole/model.keras").exists() and not (folder / "killed/model.keras").exists()
    outcome = run(
        "train", "records", "killed", *OPTIONS, cwd=folder
    )  # in another process: determinism cannot be switched off
    assert outcome.code == 0, outcome.err
    assert ", divergence 0." in outcome.out and ", rank correlation " in outcome.out
    for name in ("best.safetensors", "state.safetensors"):
        wanted, found = load_file(folder / "whole" / name), load_file(folder / "killed" / name)
        assert wanted.keys() == found.keys()
        for key, array in wanted.items():
            np.testing.assert_array_equal(found[key], array, err_msg=f"{name}: {key}")
    with open(folder / "killed/log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["steps"]) for row in rows] == [3, 3]  # five, rounded up to whole epochs of four tracks
    student = load(folder / "killed/model.keras")
    assert student.vocabulary == load(VGG).vocabulary and student.spec.config.filters == (4, 4, 4, 4, 8, 8, 8)
    assert np.isfinite(student.tag(folder / "audio/000.flac").tags[0][1])
    assert (folder / "killed/curves.png").exists()


def test_invalid_teaching_is_an_error_and_makes_no_folder(call, folder, records):
    (folder / "wrong.json").write_text('{"units": "many"}')
    for options, message in (
        ([], "records has no labels to learn from. Name trained taggers as teachers (--teacher)"),
        (["--recipe", "teach"], "The recipe is for teaching. Name the teachers (--teacher)"),
        (["--teacher", VGG, "--recipe", "won2020"], "The recipe does not state how to teach. Use the recipe 'teach'"),
        (["--teacher", "vggg"], "There is no model 'vggg'. Did you mean 'vgg'?"),
        (["--teacher", VGG, "--precision", "float16"], "The precision of a student must be float32 or bfloat16."),
        (["--teacher", VGG, "--config", '{"unit": 8}'], "no setting of keras_musictag.architectures.short_chunk_cnn"),
        (
            ["--teacher", VGG, "--config", "wrong.json"],
            "'units' of 'short_chunk_cnn' must be like 512. Received: 'many'",
        ),
        (["--teacher", VGG, "--config", "units=8"], "--config must be JSON, such as"),
    ):
        outcome = call("train", "records", "out", *options)
        assert outcome.code == 1 and message in outcome.err.splitlines()[-1], outcome.err
        assert not (folder / "out").exists()


def test_unlabelled_records_are_described_but_not_evaluated(call, folder, records):
    assert call("records", "check", "records").out == "6 tracks: 0 errors, 0 warnings.\n"
    assert "no labels" in call("records", "info", "records").out
    outcome = call("evaluate", "records", "out", "--model", VGG, "--part", "valid")
    assert outcome.code == 1 and "records has no labels to compare with" in outcome.err.splitlines()[-1]

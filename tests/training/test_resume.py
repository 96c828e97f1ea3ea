"""After a kill at any moment, the same call resumes and ends with the weights of an uninterrupted run."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from keras_musictag.errors import TrainingError
from keras_musictag.records import Records
from keras_musictag.training import Phase, Recipe, train, with_changes
from keras_musictag.training.run_state import Settings, read_position, records_identity, write_settings

RECIPE = Recipe("a test", (Phase("adam", 1e-3, 1),), batch_size=4)

# Each argument is a process, which trains into one folder after the other, with a state after every step. Where a
# number follows a folder's name, the process kills itself before that step. Prints the exit codes of the processes.
TRAIN = """
import os, signal, sys
import kapre  # here and with Keras once for all processes: TensorFlow that has not run yet survives a fork
from keras_musictag.training.recipe import Phase, Recipe
from keras_musictag.training.trainer import train

phases = (Phase("adam", 1e-3, 2), Phase("sgd", 1e-3, 2), Phase("sgd", 1e-4, 1))
recipe = Recipe("a test", phases, batch_size=4, accumulation=2, l2=1e-4, validation_chunks=2, mixup_alpha=0.2)

def train_into(run):
    out, _, kill_before = run.partition(":")
    steps = 0

    def on_step(position, steps_of_epoch):
        nonlocal steps
        steps += 1
        if kill_before and steps == int(kill_before):
            os.kill(os.getpid(), signal.SIGKILL)

    settings = {"config": {"filters": 8}, "deterministic": True, "checkpoint_seconds": 0.0}
    train(sys.argv[1], out, "vgg", recipe, on_step=on_step, **settings)

for runs in sys.argv[2:]:
    if os.fork() == 0:
        for run in runs.split(","):
            train_into(run)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def logged(folder, name):
    return [row[name] for row in read_position(folder / "state.safetensors").log]


@pytest.mark.slow
@pytest.mark.needs("posix")  # which forks
def test_a_run_killed_twice_ends_with_the_same_weights(records_folder, tmp_path, run_python):
    """In the middle of an epoch with an accumulated gradient, and in the second epoch of the second optimiser."""
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "run"
    done = run_python(TRAIN, records_folder, f"{undisturbed},{out}:2", f"{out}:10", out)
    assert done.stdout.split() == ["-9", "-9", "0"], done.stderr
    for name in ("best.safetensors", "state.safetensors"):
        wanted, found = load_file(undisturbed / name), load_file(out / name)
        assert wanted.keys() == found.keys()
        for key, array in wanted.items():
            np.testing.assert_array_equal(found[key], array, err_msg=f"{name}: {key}")
    for name in ("epoch", "phase", "optimizer", "steps", "val_loss", "val_roc_auc", "best"):
        assert logged(out, name) == logged(undisturbed, name)
    # combined from two means if an epoch was interrupted: float32 rounding
    assert logged(out, "loss") == pytest.approx(logged(undisturbed, "loss"), rel=1e-6)


def test_a_finished_run_is_not_trained_again(tmp_path, records_folder):
    settings = Settings("vgg", None, "chunk", "float32", RECIPE, records_identity(Records(records_folder)))
    write_settings(tmp_path, settings)
    (tmp_path / "model.keras").write_text("finished")
    assert train(records_folder, tmp_path, "vgg", RECIPE).read_text() == "finished"


def test_another_recipe_in_the_same_folder_is_refused(tmp_path, records_folder):
    write_settings(
        tmp_path, Settings("vgg", None, "chunk", "float32", RECIPE, records_identity(Records(records_folder)))
    )
    with pytest.raises(TrainingError, match=r"other settings: recipe .*'batch_size': 4.*now .*'batch_size': 5"):
        train(records_folder, tmp_path, "vgg", with_changes(RECIPE, batch_size=5))
    assert json.loads((tmp_path / "run.json").read_text())["recipe"]["batch_size"] == 4

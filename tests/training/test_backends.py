"""JAX and PyTorch train without TensorFlow, and resume after a kill as TensorFlow does."""

from importlib.metadata import version

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.needs import BACKENDS

# Trains one run undisturbed and kills itself in the second phase of another; called again, it resumes that one.
TRAIN = """
import os, signal, sys
sys.modules["tensorflow"] = None  # importing it fails, as if it were not installed

from keras_musictag.training.recipe import Phase, Recipe
from keras_musictag.training.trainer import train
from keras_musictag.zoo.loading import load

records, undisturbed, killed = sys.argv[1:]
steps = 0

def die(position, steps_of_epoch):
    global steps
    steps += 1
    if steps == 4:
        os.kill(os.getpid(), signal.SIGKILL)

phases = Phase("adam", 1e-3, 1), Phase("sgd", 1e-3, 1)
settings = {"l2": 1e-4, "mixup_alpha": 0.2, "spec_augment": {"max_time_frames": 20}}
recipe = Recipe("a test", phases, batch_size=6, accumulation=2, validation_chunks=1, **settings)
if not os.path.exists(undisturbed):
    train(records, undisturbed, "vgg", recipe, checkpoint_seconds=0)
    train(records, killed, "vgg", recipe, checkpoint_seconds=0, on_step=die)
tagger = load(train(records, killed, "vgg", recipe, checkpoint_seconds=0))
assert tagger.augment is None and len(tagger.vocabulary) == 4
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_other_backends_train_and_resume_without_tensorflow(backend, records_folder, tmp_path, run_python):
    folders = tmp_path / "undisturbed", tmp_path / "killed"
    environment = {"KERAS_BACKEND": backend}
    # With its cache, JAX compiles this only once; JAX 0.4.30, 0.4.31 and 0.4.34 crash or hang with it
    if backend == "jax" and not version("jax").startswith("0.4."):
        environment["JAX_COMPILATION_CACHE_DIR"] = str(tmp_path / "jax")
        environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.3"
    done = run_python(TRAIN, records_folder, *folders, **environment)
    assert done.returncode == -9, done.stderr
    assert (folders[0] / "model.keras").exists() and not (folders[1] / "model.keras").exists()
    done = run_python(TRAIN, records_folder, *folders, **environment)
    assert done.returncode == 0, done.stderr
    wanted, found = (load_file(folder / "state.safetensors") for folder in folders)
    assert wanted.keys() == found.keys()
    for key, array in wanted.items():
        np.testing.assert_array_equal(found[key], array, err_msg=key)
    assert (folders[1] / "curves.png").exists() and not (folders[1] / "tensorboard").exists()

"""`keras-musictag train`: real commands, the files that they write, and the files that stay after an error."""

import json
import resource
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest

from keras_musictag import load
from keras_musictag.records import Records, prepare
from keras_musictag.training.run_state import read_position
from tests.records.make import make_manifest, make_records

PHASE = {"optimizer": "adam", "learning_rate": 1e-3, "epochs": 1}


@pytest.fixture(scope="session")
def made_records(tmp_path_factory):
    """Six tracks of 3.2 s for training, and two each for validation and testing."""
    return make_records(tmp_path_factory.mktemp("train"), num_tracks=10, seconds=3.2).folder


@pytest.fixture
def records(folder, made_records):
    """A copy of the records in the working directory."""
    return shutil.copytree(made_records, folder / "records")


@pytest.fixture
def recipe(folder):
    """A function that writes a recipe of one epoch, by default of two steps, and returns its path."""

    def write(**changes):
        settings = {"summary": "a test", "phases": [PHASE], "batch_size": 3, "validation_chunks": 1, **changes}
        (folder / "recipe.json").write_text(json.dumps(settings))
        return "recipe.json"

    return write


def only_error(outcome):
    """The last line on standard error of a command that failed, after TensorFlow's own lines."""
    assert outcome.code == 1
    return outcome.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "vgh"], "There is no architecture 'vgh'. Did you mean 'vgg'?"),
        (["--recipe", "shortt"], "There is no recipe 'shortt'. Did you mean 'short'?"),
        (["--model", "vgg", "--level", "song"], "'vgg' takes only chunks of 3.008 s"),
        (["--model", "vgg", "--weights", "mtot"], "There is no set of weights of 'vgg' called 'mtot'"),
        (["--model", "sample_cnn", "--recipe", "masks.json"], "as from the waveform front end"),
    ],
)
def test_an_unknown_name_is_an_error_and_makes_no_folder(options, message, call, folder, records):
    masks = {"summary": "a test", "phases": [PHASE], "spec_augment": {}}
    (folder / "masks.json").write_text(json.dumps(masks))
    outcome = call("train", "records", "out", *options)
    assert message in only_error(outcome) and outcome.err.startswith("Error: ")
    assert not (folder / "out").exists()


def test_an_unknown_level_is_invalid_usage(call, folder, records):
    outcome = call("train", "records", "out", "--level", "album")
    assert outcome.code == 2 and "'album' is not one of 'chunk', 'song'" in outcome.err


def test_records_without_a_part_are_an_error(call, folder):
    tracks = make_manifest(folder / "audio", 4, seconds=0.2).tracks[:3]
    prepare(make_manifest(folder / "audio", 4, seconds=0.2, tracks=tracks), folder / "records", jobs=1)
    outcome = call("train", "records", "out", "--model", "vgg")
    assert (
        only_error(outcome)
        == "Error: records has no tracks in the part 'valid'. Training needs the parts train and valid."
    )
    assert "There is no dataset.json in 'audio'" in only_error(call("train", "audio", "out"))


def test_an_auc_cannot_be_measured_on_one_track(call, folder):
    make_records(folder, num_tracks=5, seconds=0.2)  # one of them to validate with
    outcome = call("train", "records", "out", "--model", "vgg", "--recipe", "short")
    assert (
        "by roc_auc, but each tag applies to all or none of the tracks in the part 'valid' (tracks: 1)"
        in only_error(outcome)
    )
    assert not (folder / "out").exists()


def test_a_missing_shard_is_named(call, folder, records):
    shard = Records(records).shards("train")[1]
    shard.unlink()
    outcome = call("train", "records", "out", "--model", "vgg")
    assert f"Error: Shard 'records/{shard.name}' is missing" in only_error(outcome)


@pytest.mark.slow
def test_a_flipped_byte_is_reported_and_the_state_stays(call, folder, records, recipe):
    shard = Records(records).shards("train")[1]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    outcome = call("train", "records", "out", "--model", "vgg", "--recipe", recipe())
    error = only_error(outcome)
    assert "cannot be read" in error and shard.name in error
    assert read_position(folder / "out" / "state.safetensors").epoch == 0
    assert not (folder / "out" / "model.keras").exists()


@pytest.mark.slow
def test_a_nan_loss_ends_the_run_and_keeps_the_last_weights(call, folder, records, recipe):
    phases = [PHASE, {"optimizer": "sgd", "learning_rate": 1e38, "epochs": 1}]
    outcome = call("train", "records", "out", "--model", "vgg", "--recipe", recipe(phases=phases))
    assert "became NaN or infinite in epoch 2, step 2. The last good state" in only_error(outcome)
    best = load("vgg", weights=folder / "out" / "best.safetensors", tags=Records(records).vocabulary)
    scores = best(np.random.default_rng(0).normal(0, 0.1, (1, best.input_shape[1])), training=False)
    assert np.isfinite(np.array(scores)).all()


@pytest.mark.slow
def test_bfloat16_trains_with_masks_and_deformations(call, folder, records, recipe):
    masks = {"max_time_frames": 20, "max_mel_bands": 9}
    options = ["--model", "vgg", "--recipe", recipe(spec_augment=masks, deform_probability=0.5)]
    outcome = call("train", "records", "out", *options, "--precision", "bfloat16")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("epoch 1 (adam, 0.001): loss ") and outcome.out.endswith("Wrote out/model.keras\n")
    tagger = load(folder / "out" / "model.keras")
    assert (tagger.augment, tagger.precision) == (None, "bfloat16")
    found = json.loads((folder / "out" / "run.json").read_text())
    assert found["recipe"]["spec_augment"] == masks and found["records"]["dataset"] == "made"
    # a run from before recipes had masks can still be resumed
    del found["recipe"]["spec_augment"], found["recipe"]["deform_probability"]
    (folder / "out" / "run.json").write_text(json.dumps(found))
    outcome = call("train", "records", "out", "--model", "vgg", "--recipe", recipe(), "--precision", "bfloat16")
    assert (outcome.code, outcome.out) == (0, "Wrote out/model.keras\n")


@pytest.mark.slow
def test_a_run_resumes_after_ctrl_c_and_a_full_disk(script, environment, call, folder, records, recipe):
    path = recipe(batch_size=1, chunks_per_track=2)  # enough steps to interrupt
    arguments = ["train", "records", "out", "--model", "vgg", "--recipe", path, "--checkpoint-seconds", "0"]
    state = folder / "out" / "state.safetensors"

    def start(largest_file=resource.RLIM_INFINITY):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))

        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([script, *arguments], cwd=folder, env=environment, preexec_fn=limit, **pipes)

    process = start()
    while not state.exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, ""), err
    assert err.splitlines()[-1] == "Interrupted. Run the same command again to resume."
    assert len([line for line in err.splitlines() if "tensorflow" not in line and "xla" not in line]) == 1
    before = state.read_bytes()

    process = start(largest_file=len(before) - 1)  # the next state is one byte too long
    out, err = process.communicate()
    assert (process.returncode, err.splitlines()[-1]) == (1, "Error: File too large: out/state.safetensors.")
    assert state.read_bytes() == before
    assert not [path for path in (folder / "out").iterdir() if ".part" in path.name]

    outcome = call(*arguments)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("epoch 1 (adam") and outcome.out.endswith("Wrote out/model.keras\n")
    assert read_position(state).epoch == 1

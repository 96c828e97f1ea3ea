import csv
import os
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import soundfile

from keras_musictag.evaluation import load_predictions
from keras_musictag.evaluation.measuring import metric_values
from keras_musictag.records import prepare
from keras_musictag.robustness.conditions import choose_conditions
from keras_musictag.zoo import build
from tests.records.make import TAGS, make_manifest, make_records
from tests.robustness.test_condition_runs import content

FEW = ("--chunks", "2", "--resamples", "20")
SECONDS = 120  # time limit for a process to write its first result


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return make_records(tmp_path_factory.mktemp("made"), num_tracks=20, seconds=4.0).folder


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two files as `train` writes them, with the same name inside."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("one", "two")):
        keras.utils.set_random_seed(seed)
        build("vgg", tags=TAGS, config={"filters": 16}).save(folder / f"{name}.keras")
    return ["--model", folder / "one.keras", "--model", folder / "two.keras", "--name", "one", "--name", "two"]


@pytest.mark.slow
def test_the_table_has_the_metrics_of_the_predictions(call, records, models, folder):
    outcome = call("robustness", records, "out", *models, "--conditions", "noise_0.4,low_pass_2k", *FEW)
    assert (outcome.code, outcome.err) == (0, "")
    *said, text, table, picture = outcome.out.splitlines()
    assert [text, table, picture] == [f"Wrote out/robustness.{ending}" for ending in ("md", "csv", "png")]
    with open("out/robustness.csv", newline="") as file:
        rows = {(row["model"], row["condition"], row["metric"]): row for row in csv.DictReader(file)}
    assert len(said) == 2 * 3 and len(rows) == 2 * 3 * 3
    for model in ("one", "two"):
        of_original = None
        for condition in ("original", "noise_0.4", "low_pass_2k"):
            predictions = load_predictions(f"out/{model}/{condition}/measured.npz")
            for metric, found in metric_values(predictions.targets, predictions.scores).items():
                row = rows[model, condition, metric]
                assert float(row["value"]) == pytest.approx(found.macro, abs=1e-12)
                if metric == "pr_auc":
                    of_original = found.macro if of_original is None else of_original
                    drop = of_original - found.macro
                    assert float(row["drop"]) == pytest.approx(drop, abs=1e-12)
                    assert f"{model}, {condition:20} pr_auc {found.macro:.4f}, drop {drop + 0:+.4f}" in said
    assert (folder / "out" / "robustness.md").read_text().count(
        "| noise\\_0.4 |"
    ) == 7  # two tables per metric, and one more


@pytest.mark.slow
def test_all_conditions_work_on_silence_and_a_click(call, models, folder):
    manifest = make_manifest(folder / "audio", num_tracks=10, seconds=1.0)
    for index, samples in ((4, np.zeros(16000, np.int16)), (9, np.full(40, 9000, np.int16))):
        (path,) = (folder / "audio").glob(f"{index:03d}.*")
        soundfile.write(path, samples, 16000, subtype="PCM_16")
    records = prepare(manifest, folder / "records", jobs=1)
    assert [track.track_index for track in records.part("test")] == [4, 9]
    outcome = call("robustness", records.folder, "out", *models[:2], *FEW)
    assert (outcome.code, outcome.err) == (0, "")
    assert {path.name for path in (folder / "out" / "vgg").iterdir() if path.is_dir()} == set(choose_conditions("all"))
    printed = [line.split()[1] for line in outcome.out.splitlines() if line.startswith("vgg, ")]
    assert tuple(printed) == choose_conditions("all")
    for condition in printed:
        scores = load_predictions(folder / "out" / "vgg" / condition / "measured.npz").scores
        assert scores.shape[0] == 2 and np.isfinite(scores).all(), condition


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_files(call, script, environment, records, models, folder):
    arguments = [*models, "--conditions", "noise_0.1,pitch_shift_up,mp3_32", *FEW]
    command = [script, "robustness", records, "killed", *arguments]
    process = subprocess.Popen(list(map(str, command)), cwd=folder, env=environment)
    first = folder / "killed" / "one" / "noise_0.1" / "report.json"
    try:
        deadline = time.monotonic() + SECONDS
        while not first.is_file() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        process.kill()
    assert process.wait() == -9 and first.is_file()
    assert not (folder / "killed" / "robustness.md").exists()
    (first.parent / ".0.partial.npz").touch()  # as if the process was killed after the report and before the removal
    for out in ("killed", "undisturbed"):
        outcome = call("robustness", records, out, *arguments)
        assert (outcome.code, outcome.err) == (0, "")
    assert content(folder / "killed") == content(folder / "undisturbed")


@pytest.mark.slow
def test_errors_are_one_line_and_nothing_is_written(call, records, models, folder):
    for arguments, message in (
        (("--model", "vgg", "--conditions", "noise_0.3"), "There is no condition 'noise_0.3'. Did you mean"),
        (models[:4], "Two models are called 'vgg'. Name each"),
        (models[:6], "one name per model, or none. Received: 1 for 2 models."),
        ((*models[:4], "--name", "a/b", "--name", "c"), "a valid folder name. Received: 'a/b'"),
    ):
        outcome = call("robustness", records, "out", *arguments)
        assert (outcome.code, outcome.out) == (1, "")
        assert outcome.err.startswith("Error: ") and outcome.err.count("\n") == 1 and message in outcome.err
    outcome = call("robustness", "nowhere", "out", *models)
    assert outcome.code == 1 and "There is no dataset.json in 'nowhere'" in outcome.err
    assert call("robustness", records, "out").code == 2
    assert not (folder / "out").exists()


def test_a_model_with_other_tags_is_rejected(call, records, vgg):
    outcome = call("robustness", records, "out", *vgg)
    assert outcome.code == 1 and "must have the same tags" in outcome.err


def test_help_loads_no_numpy():
    code = "import sys, keras_musictag.cli.robustness; print('numpy' in sys.modules, 'tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "False False\n"

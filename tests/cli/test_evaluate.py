"""`keras-musictag evaluate`: a model and records become a report."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from keras_musictag import build, load
from keras_musictag.cli.evaluate import print_metrics
from keras_musictag.evaluation import Resampling, make_report
from keras_musictag.records import EvaluationBatches, Records, average_by_track
from tests.evaluation.simulate import simulate
from tests.records.make import TAGS, make_records


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """Sixty tracks of 3.2 s, twelve of them for validation and twelve for testing."""
    return make_records(tmp_path_factory.mktemp("evaluate"), num_tracks=60, seconds=3.2).folder


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A network with random weights and the records' tags, in another order."""
    import keras

    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("model") / "model.keras"
    build("vgg", tags=sorted(TAGS), config={"filters": 16}).save(path)
    return path


@pytest.mark.slow
def test_the_metrics_are_those_of_the_networks_scores(call, folder, records, model):
    outcome = call("evaluate", records, "out", "--model", model, "--chunks", 2, "--resamples", 20, "--name", "mine")
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["roc_auc", "pr_auc", "average_precision", "mcc", "f1"]
    assert lines[-1] == "Wrote out"

    opened, tagger = Records(records), load(model)
    size = tagger.input_shape[1]
    batches = EvaluationBatches(opened, "test", chunk_samples=size, batch_size=100, chunks=2)
    chunks, _, index = batches[0]
    _, scores = average_by_track(np.array(tagger(chunks, training=False)), index)
    scores = scores[:, [tagger.vocabulary.index(tag) for tag in opened.vocabulary]]
    labels = opened.labels("test")
    wanted = roc_auc_score(labels, scores, average="macro"), average_precision_score(labels, scores, average="macro")
    # the scores have another batch size, and the output has four digits
    assert float(lines[0].split()[1]) == pytest.approx(wanted[0], abs=1e-4)
    assert float(lines[2].split()[1]) == pytest.approx(wanted[1], abs=1e-4)

    report = json.loads((folder / "out" / "report.json").read_text())
    assert report["model"] == "mine" and report["source"]["part"] == "test"
    with open(folder / "out" / "measured.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    found = np.array([[float(row[f"score:{tag}"]) for tag in TAGS] for row in rows])
    np.testing.assert_allclose(found, scores, atol=1e-5)
    files = {path.name: path.read_bytes() for path in (folder / "out").iterdir() if path.suffix in (".csv", ".npz")}
    assert {"measured.npz", "valid.npz", "per_tag.csv"} <= files.keys()


def test_a_model_with_other_tags_is_an_error(call, folder, records, vgg):
    outcome = call("evaluate", records, "out", *vgg)
    assert outcome.code == 1 and "must have the same tags. The model has" in outcome.err.splitlines()[-1]
    assert not (folder / "out" / "report.json").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere", "out"], 1, "There is no dataset.json in 'nowhere'"),
        (["nowhere", "out", "--part", "all"], 2, "'all' is not one of 'test', 'valid', 'train'"),
        (["nowhere", "out", "--chunks", 0], 2, "0 is not in the range"),
        (["nowhere", "out", "--hop-seconds", "-1"], 2, "not a number of seconds greater than 0"),
        (["nowhere", "out", "--hop-seconds", "nan"], 2, "not a number of seconds greater than 0"),
    ],
)
def test_invalid_usage_is_an_error(arguments, code, message, call, vgg):
    outcome = call("evaluate", *arguments, *vgg)
    assert outcome.code == code and message in outcome.err


def test_help_says_that_a_hop_replaces_the_chunks(call):
    outcome = call("evaluate", "--help")
    assert "Instead of --chunks" in outcome.out and "model's own]" not in outcome.out


def test_missing_values_and_thresholds_are_reported(capsys):
    said = simulate(chunks=False, subsets=False)
    targets = said.targets.copy()
    targets[:, 2] = False
    print_metrics(make_report(replace(said, targets=targets), resampling=Resampling(20)))
    left_out, thresholds = capsys.readouterr().out.splitlines()[3:]
    assert left_out == "Left out: 1 of 6 tags, because all or none of the tracks have them."
    assert thresholds == "MCC and F1 are missing: there are no validation scores to choose thresholds on."

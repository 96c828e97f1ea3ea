"""`keras-musictag zoo add`: a trained and evaluated network becomes an entry; all files are real."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from keras_musictag import list_models, load
from keras_musictag.evaluation import load_predictions, read_run, write_run
from keras_musictag.evaluation.run_folder import MEASURED, VALID
from keras_musictag.zoo import read_card, user_folder
from tests.records.make import TAGS, make_records

RECIPE = {
    "summary": "a test",
    "phases": [{"optimizer": "adam", "learning_rate": 1e-3, "epochs": 1}],
    "batch_size": 3,
    "validation_chunks": 1,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """`run`, written by `train`, and `eval`, written by `evaluate`; 18 tracks for training, six for testing."""
    from click.testing import CliRunner

    from keras_musictag.cli.evaluate import command as evaluate
    from keras_musictag.cli.train import command as train

    folder = tmp_path_factory.mktemp("made")
    records = str(make_records(folder, num_tracks=30, seconds=3.2).folder)
    (folder / "recipe.json").write_text(json.dumps(RECIPE))
    run, measured = str(folder / "run"), str(folder / "eval")
    options = ["--model", f"{run}/model.keras", "--chunks", "1", "--resamples", "20"]
    calls = [(train, [records, run, "--model", "vgg", "--recipe", str(folder / "recipe.json")])]
    calls.append((evaluate, [records, measured, *options]))
    for command, arguments in calls:
        done = CliRunner().invoke(command, arguments)
        assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def own(folder, made):
    """A copy of them in the working directory."""
    for name in ("run", "eval"):
        shutil.copytree(made / name, folder / name)
    return folder


def rewrite(folder, **changes):
    """Writes the evaluation again, with other facts or another source."""
    parts = (replace(load_predictions(folder / name), **changes) for name in (MEASURED, VALID))
    write_run(folder, *parts, resampling=read_run(folder).report.resampling)


@pytest.mark.slow
def test_a_trained_network_becomes_an_entry(call, own, track):
    outcome = call("zoo", "add", "run", "--evaluation", "eval", "--licence", "CC0-1.0")
    assert (outcome.code, outcome.err) == (0, "")
    wrote, load_it = outcome.out.splitlines()
    folder, report = user_folder() / "vgg-made-v1", read_run(own / "eval").report
    assert wrote == f"Wrote {folder}" and "keras_musictag.load('vgg-made-v1')" in load_it
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "card.json", "weights.safetensors"]

    card = read_card(folder)
    assert card.thresholds == report.thresholds and set(card.thresholds) == set(TAGS)
    assert {metric.metric: metric.value for metric in card.metrics} == {
        name: measured.macro[0] for name, measured in report.group().metrics.items()
    }
    assert {(metric.dataset, metric.split, metric.tracks) for metric in card.metrics} == {("made", "fixed, test", 6)}
    settings = json.loads((own / "run" / "run.json").read_text())
    assert json.loads(card.recipe) == {key: value for key, value in settings.items() if key != "records"}
    assert card.trained_on.split_sha256 == settings["records"]["split_sha256"] == report.source.split_sha256
    assert card.licences.weights == "CC0-1.0" and card.versions.keys() == {"keras", "keras_musictag"}

    saved, loaded = load(own / "run" / "model.keras"), load("vgg-made-v1")
    for one, two in zip(saved.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert loaded.tag(track).tags == saved.tag(track).tags
    assert [model.name for model in list_models("vgg-made-*")] == ["vgg-made-v1"]
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# vgg-made-v1\n") and f"{card.weights.parameters:,} parameters" in text
    assert f"| PR-AUC | {report.group().metrics['pr_auc'].macro[0]:.4f} (" in text
    assert f"| piano | {report.thresholds['piano']:.4f} |" in text and "pretrained" not in text

    second = call("zoo", "add", "run", "--evaluation", "eval", "--out", "entries")
    assert second.out.startswith("Wrote entries/vgg-made-v2\n")  # the first name is taken


def test_an_evaluation_inside_the_run_is_used(call, own):
    outcome = call("zoo", "add", "run", "--name", "vgg-bare-v3", "--out", ".")
    assert outcome.out.splitlines()[0] == "The card has no metrics. To add them, pass --evaluation."
    assert (read_card(own / "vgg-bare-v3").metrics, read_card(own / "vgg-bare-v3").thresholds) == ((), {})
    assert "Not measured." in (own / "vgg-bare-v3" / "README.md").read_text()
    (own / "eval").rename(own / "run" / "evaluation")  # where `finetune` writes it
    outcome = call("zoo", "add", "run", "--out", ".")
    assert outcome.out.startswith("Wrote vgg-made-v1\n") and read_card(own / "vgg-made-v1").metrics


def of_other_weights(own):
    rewrite(own / "eval", facts={"network": "ab" * 32})


def on_another_split(own):
    source = load_predictions(own / "eval" / MEASURED).source
    predictions = [
        replace(load_predictions(own / "eval" / name), source=replace(source, split_sha256="cd", part=part))
        for name, part in ((MEASURED, "test"), (VALID, "valid"))
    ]
    write_run(own / "eval", *predictions, resampling=read_run(own / "eval").report.resampling)


def on_the_validation_part(own):
    write_run(own / "eval", load_predictions(own / "eval" / VALID))


def not_finished(own):
    (own / "run" / "model.keras").unlink()


def damaged(own):
    (own / "run" / "run.json").write_text("{}")


def not_evaluated(own):
    (own / "eval" / "report.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (of_other_weights, "it is not of 'run/model.keras'. Evaluate that model again."),
        (on_another_split, "its dataset or split differs from that of the training"),
        (on_the_validation_part, "it is of the part 'valid', not of test"),
        (not_finished, "There is no model.keras in 'run'"),
        (damaged, "'run/run.json' does not describe a training run"),
        (not_evaluated, "There is no report.json in 'eval'"),
    ],
)
def test_unsuitable_runs_are_one_line_and_write_nothing(spoil, message, call, own):
    spoil(own)
    outcome = call("zoo", "add", "run", "--evaluation", "eval")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("Error: ") and message in outcome.err and outcome.err.count("\n") == 1
    assert not user_folder().exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [("mine", "must look like 'vgg-mine-v1'"), ("fcn-mine-v1", "must look like"), ("vgg-mtat-v1", "already exists")],
)
def test_an_invalid_or_existing_name_is_an_error(name, message, call, own):
    outcome = call("zoo", "add", "run", "--name", name)
    assert outcome.code == 1 and message in outcome.err

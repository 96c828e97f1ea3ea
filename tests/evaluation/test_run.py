import json

import pytest
from PIL import Image

from keras_musictag.evaluation import load_predictions, read_report, read_run, save_predictions, write_run
from tests.evaluation.conftest import FEW
from tests.evaluation.simulate import pair, simulate

FILES = [
    "measured.csv",
    "measured.npz",
    "per_tag.csv",
    "per_tag.png",
    "report.json",
    "report.md",
    "valid.csv",
    "valid.npz",
]


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_predictions_give_the_same_bytes(tmp_path):
    for name in "ab":
        write_run(tmp_path / name, *pair(), resampling=FEW)
    assert list(contents(tmp_path / "a")) == FILES
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_written_run_can_be_read(runs):
    run = read_run(runs[1])
    assert run.report.model == run.predictions.model == "good"
    assert run.report.to_json() == (runs[1] / "report.json").read_text(encoding="utf-8")
    assert load_predictions(runs[1] / "valid.npz").source.part == "valid"


def test_a_report_can_be_read_without_its_predictions(runs, tmp_path):
    (tmp_path / "report.json").write_bytes((runs[1] / "report.json").read_bytes())
    assert read_report(tmp_path).to_json() == read_run(runs[1]).report.to_json()
    (tmp_path / "report.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="cannot be read"):
        read_report(tmp_path)


def test_the_figure_has_one_row_per_tag(runs):
    with Image.open(runs[0] / "per_tag.png") as image:
        assert image.size == (1200, round(120 * (1.6 + 0.2 * 6)))  # inches, at 120 dots each
        assert len(set(image.convert("L").tobytes())) > 50


def test_validation_scores_of_an_earlier_run_are_removed(tmp_path):
    write_run(tmp_path, *pair(), resampling=FEW)
    write_run(tmp_path, simulate(), resampling=FEW)
    assert "valid.npz" not in contents(tmp_path) and "valid.csv" not in contents(tmp_path)


def test_an_unfinished_folder_is_reported(tmp_path, runs):
    with pytest.raises(FileNotFoundError, match="no report.json in .*`keras-musictag evaluate` has finished"):
        read_run(tmp_path)


def test_a_folder_is_unfinished_if_writing_fails(tmp_path):
    write_run(tmp_path, *pair(), resampling=FEW)
    (tmp_path / "per_tag.csv").unlink()
    (tmp_path / "per_tag.csv").mkdir()
    with pytest.raises(IsADirectoryError, match=r"per_tag\.csv"):
        write_run(tmp_path, *pair(), resampling=FEW)
    with pytest.raises(FileNotFoundError, match=r"no report\.json"):
        read_run(tmp_path)


def test_a_report_on_other_predictions_is_refused(tmp_path):
    write_run(tmp_path, *pair(), resampling=FEW)
    save_predictions(simulate(noise=9), tmp_path / "measured.npz")
    with pytest.raises(
        ValueError, match="not about the predictions in this folder: the report states roc_auc 0.*the predictions give"
    ):
        read_run(tmp_path)
    save_predictions(simulate(model="other"), tmp_path / "measured.npz")
    with pytest.raises(ValueError, match="differ in their model"):
        read_run(tmp_path)


def test_a_number_changed_by_hand_is_detected(tmp_path):
    write_run(tmp_path, *pair(), resampling=FEW)
    report = json.loads((tmp_path / "report.json").read_text())
    report["levels"]["track"]["groups"]["all"]["metrics"]["f1"]["macro"]["value"] += 1e-6
    (tmp_path / "report.json").write_text(json.dumps(report))
    with pytest.raises(ValueError, match="not about the predictions in this folder: the report states f1"):
        read_run(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}'])
def test_a_damaged_report_is_reported_with_its_path(tmp_path, text):
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(ValueError, match=r"report\.json' cannot be read"):
        read_run(tmp_path)

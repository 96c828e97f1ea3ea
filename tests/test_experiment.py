"""The whole experiment by the real commands: a corpus is built, two networks train, are measured and compared."""

import csv
import json

import pytest

from tests.cli.conftest import environment, run, script  # noqa: F401  (fixtures)

NAMES = ("musicnn_2020", "vgg")


@pytest.mark.slow
@pytest.mark.needs("mma", "fluidsynth", "soundfonts")
def test_from_nothing_to_a_comparison(run, tmp_path):  # noqa: F811
    def command(*arguments):
        outcome = run(*arguments, cwd=tmp_path)
        assert outcome.code == 0, f"{arguments}: {outcome.err}"
        return outcome.out

    command("gmtag", "build", "corpus", "--tier", "tiny")
    command("prepare", "gmtag", "corpus", "records")
    command("records", "check", "records")
    for name in NAMES:
        command("train", "records", f"runs/{name}", "--model", name, "--epochs", 1, "--batch-size", 8)
        model = f"runs/{name}/model.keras"
        command("evaluate", "records", f"reports/{name}", "--model", model, "--chunks", 4, "--resamples", 50)
    compared = command("compare", *(f"reports/{name}" for name in NAMES), "--out", "comparison")
    models = [option for name in NAMES for option in ("--model", f"runs/{name}/model.keras")]
    stress = ("--conditions", "noise_0.1,gain_down_20", "--chunks", 2, "--resamples", 20)
    command("robustness", "records", "stress", *models, *stress)

    for name in NAMES:
        losses = [float(row["loss"]) for row in csv.DictReader(open(tmp_path / "runs" / name / "log.csv"))]
        assert len(losses) == 4 and losses[-1] < losses[0]  # an epoch a phase
        report = json.loads((tmp_path / "reports" / name / "report.json").read_text())
        assert report["source"]["dataset"] == "gmtag"
        assert name in compared
        # half of test is played on a soundfont that no other part knows: it is reported apart
        assert "unseen" in (tmp_path / "reports" / name / "report.md").read_text()
    assert "<html" in next((tmp_path / "comparison").glob("*.html")).read_text()
    rows = list(csv.DictReader(open(tmp_path / "stress" / "robustness.csv")))
    assert {row["condition"] for row in rows} == {"original", "noise_0.1", "gain_down_20"}
    assert {row["model"] for row in rows} == set(NAMES)

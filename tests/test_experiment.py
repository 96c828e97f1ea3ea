"""A whole experiment with the commands: a corpus is built, and two networks are trained, evaluated and compared.

The installed script builds the corpus; the rest runs in this process, where TensorFlow is loaded only once.
"""

import csv
import json

import pytest

from tests.cli.conftest import call, environment, folder, run, script  # noqa: F401  (fixtures)

NETWORKS = {  # narrow ones: training takes a quarter of the time
    "musicnn_2020": {"timbral_filters": 8, "temporal_filters": 4, "midend_filters": 8, "units": 16},
    "vgg": {"filters": 8},
}


@pytest.mark.slow
@pytest.mark.needs("mma", "fluidsynth", "soundfonts")
def test_the_commands_make_a_whole_experiment(run, call, folder):  # noqa: F811
    # tiny, because the eighth clip of the test part is the first with an unseen soundfont
    built = run("gmtag", "build", "corpus", "--tier", "tiny", cwd=folder)
    assert built.code == 0, built.err

    def command(*arguments):
        outcome = call(*arguments)
        assert outcome.code == 0, f"{arguments}: {outcome.err}"
        return outcome.out

    command("prepare", "gmtag", "corpus", "records")
    command("records", "check", "records")
    for name, config in NETWORKS.items():
        options = ("--model", name, "--config", json.dumps(config), "--epochs", 1, "--batch-size", 8)
        command("train", "records", f"runs/{name}", *options)
        model = f"runs/{name}/model.keras"
        command("evaluate", "records", f"reports/{name}", "--model", model, "--chunks", 4, "--resamples", 50)
    compared = command("compare", *(f"reports/{name}" for name in NETWORKS), "--out", "comparison")
    models = [option for name in NETWORKS for option in ("--model", f"runs/{name}/model.keras")]
    stress = ("--conditions", "noise_0.1,gain_down_20", "--chunks", 2, "--resamples", 20)
    command("robustness", "records", "stress", *models, *stress)

    for name in NETWORKS:
        losses = [float(row["loss"]) for row in csv.DictReader(open(folder / "runs" / name / "log.csv"))]
        assert len(losses) == 4 and losses[-1] < losses[0]  # one epoch per phase
        report = json.loads((folder / "reports" / name / "report.json").read_text())
        assert report["source"]["dataset"] == "gmtag"
        assert name in compared
        # half of the test part uses a soundfont that no other part has: it is reported separately
        assert "unseen" in (folder / "reports" / name / "report.md").read_text()
    assert "<html" in next((folder / "comparison").glob("*.html")).read_text()
    rows = list(csv.DictReader(open(folder / "stress" / "robustness.csv")))
    assert {row["condition"] for row in rows} == {"original", "noise_0.1", "gain_down_20"}
    assert {row["model"] for row in rows} == NETWORKS.keys()

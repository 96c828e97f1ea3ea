import pytest

from keras_musictag.choices import METRICS
from keras_musictag.evaluation import Resampling, compare_runs, read_run, write_run
from keras_musictag.evaluation.measuring import TITLES
from tests.evaluation.simulate import pair, simulate

FEW = Resampling(resamples=40)


@pytest.fixture
def runs(folder):
    for name, quality in (("poor", 0.5), ("good", 2.0)):
        write_run(folder / name, *pair(model=name, quality=quality, chunks=False, subsets=False), resampling=FEW)
    return ["poor", "good"]


def test_the_ranking_and_the_files_are_printed(call, runs, folder):
    outcome = call("compare", *runs, "--out", "out")
    assert (outcome.code, outcome.err) == (0, "")
    first, second, *wrote = outcome.out.splitlines()
    value, low, high = read_run(folder / "good").report.group().metrics["pr_auc"].macro
    assert first == f"1. good: pr_auc {value:.4f} ({low:.4f} to {high:.4f})"
    assert second.startswith("2. poor: pr_auc ")
    assert sorted(line.removeprefix("Wrote ") for line in wrote) == sorted(
        f"out/{p.name}" for p in (folder / "out").iterdir()
    )
    assert "good over poor" in (folder / "out" / "compare.md").read_text()


@pytest.mark.slow
def test_the_installed_script_compares(run, runs, folder):
    outcome = run("compare", *runs, "--out", "out", "--metric", "roc_auc", cwd=folder)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("1. good: roc_auc ")


def test_the_metrics_are_those_of_the_library():
    assert tuple(TITLES) == METRICS


def test_the_ranking_uses_the_chosen_metric(call, runs, folder):
    call("compare", *runs, "--out", "out", "--metric", "mcc")
    expected = compare_runs([read_run(folder / name) for name in runs], "mcc").neighbours[0].difference
    text = (folder / "out" / "neighbours.csv").read_text().splitlines()
    assert float(text[1].split(",")[2]) == expected


def test_runs_on_other_data_are_rejected_without_output(call, runs, folder):
    write_run(folder / "other", *pair(model="other", split_sha256="cd"), resampling=FEW)
    outcome = call("compare", *runs, "other", "--out", "out")
    assert outcome.code == 1 and outcome.out == ""
    assert outcome.err.startswith("Error: The runs 'poor' and 'other' cannot be compared: they differ in their split")
    assert outcome.err.count("\n") == 1
    assert not (folder / "out").exists()


def test_a_folder_without_a_run_is_an_error(call, runs, folder):
    (folder / "empty").mkdir()
    for name in ("empty", "nowhere"):
        outcome = call("compare", "good", name, "--out", "out")
        assert outcome.code == 1
        assert f"no report.json in '{name}'" in outcome.err


def test_ranking_by_mcc_needs_validation_scores(call, folder):
    write_run(folder / "bare", simulate(chunks=False), resampling=FEW)
    outcome = call("compare", "bare", "--out", "out", "--metric", "mcc")
    assert (outcome.code, outcome.err) == (
        1,
        "Error: 'bare' has no MCC, because it was evaluated without validation scores. Rank by another metric, or "
        "evaluate with a validation part.\n",
    )


def test_help_loads_no_numpy():
    import subprocess
    import sys

    code = "import sys, keras_musictag.cli.compare; print('numpy' in sys.modules, 'tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"

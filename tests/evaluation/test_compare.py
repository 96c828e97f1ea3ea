from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from keras_musictag.errors import UnknownNameError
from keras_musictag.evaluation import EvaluationRun, Resampling, compare_runs, make_report, read_run
from keras_musictag.evaluation.comparing import holm_correction, p_value
from keras_musictag.metrics import bootstrap, interval
from tests.evaluation.conftest import FEW
from tests.evaluation.simulate import TAGS, pair, simulate


@pytest.fixture(scope="module")
def read(runs):
    return [read_run(run) for run in runs]


def run_of(folder="x", resampling=FEW, valid=True, **settings):
    test, of_valid = pair(**settings)
    of_valid = replace(of_valid, source=replace(of_valid.source, deformation=""))
    return EvaluationRun(folder, test, make_report(test, of_valid if valid else None, resampling=resampling))


@pytest.mark.parametrize("metric", ["roc_auc", "pr_auc", "average_precision", "mcc", "f1"])
def test_the_best_run_is_first_by_every_metric(read, metric):
    comparison = compare_runs(read, metric)
    assert comparison.names == ("good", "middling", "poor")
    assert [run.report.model for run in comparison.runs] == ["good", "middling", "poor"]


def test_neighbours_are_compared_on_the_same_resamples(read):
    comparison = compare_runs(read, "pr_auc")
    good, middling = (
        bootstrap(run.predictions.targets, run.predictions.scores, resamples=60, seed=3)["pr_auc"].macro
        for run in comparison.runs[:2]
    )
    pair_ = comparison.neighbours[0]
    assert (pair_.better, pair_.worse) == ("good", "middling")
    values = [run.report.group().metrics["pr_auc"].macro[0] for run in comparison.runs]
    assert pair_.difference == values[0] - values[1]
    assert [pair_.low, pair_.high] == interval(good - middling, around=pair_.difference).tolist()
    assert pair_.p_value == p_value(good - middling - np.median(good - middling) + pair_.difference)


def test_a_large_difference_is_significant_and_none_is_not(read):
    comparison = compare_runs(read, "pr_auc")
    clear = comparison.neighbours[1]
    assert (clear.worse, clear.low > 0, clear.p_value) == ("poor", True, 2 / 61)
    same = compare_runs([read[0], replace(read[0], folder=read[0].folder / "copy")])
    assert (same.neighbours[0].difference, same.neighbours[0].p_value) == (0, 1)


def test_pairing_makes_the_interval_narrower():
    """The second model is the first with a little noise: tracks that are hard for one are hard for the other."""
    said = simulate(chunks=False)
    shaken = said.scores + np.random.default_rng(5).normal(0, 0.01, said.scores.shape)
    runs = [
        EvaluationRun(name, p, make_report(p, resampling=FEW))
        for name, p in (("a", said), ("b", replace(said, scores=shaken)))
    ]
    found = compare_runs(runs).neighbours[0]
    own = runs[0].report.group().metrics["pr_auc"].macro
    assert found.high - found.low < (own[2] - own[1]) / 3


def test_one_run_is_a_ranking_without_neighbours(read):
    assert compare_runs(read[:1]).neighbours == ()


def test_models_with_equal_names_get_their_folders_names(read, tmp_path):
    twice = [replace(read[0], folder=tmp_path / part / "run") for part in ("chunks", "songs")]
    assert compare_runs([*twice, read[1]]).names == ("good", "poor (chunks/run)", "poor (songs/run)")
    with pytest.raises(ValueError, match="given twice"):
        compare_runs([read[0], read[0]])


@pytest.mark.parametrize(
    "settings, match",
    [
        ({"dataset": "mtat"}, "differ in their dataset, gmtag and mtat"),
        ({"dataset_version": "2"}, "differ in their dataset_version, 1 and 2"),
        ({"split_sha256": "cd"}, "differ in their split_sha256, abab.* and cd"),
        ({"deformation": "white_noise_0.1"}, "differ in their deformation, none and white_noise_0.1"),
        (
            {"vocabulary": (*TAGS[:5], "flute")},
            "differ in their tags, 6, number 5 is 'harp' and 6, number 5 is 'flute'",
        ),
        ({"tracks": 140}, "differ in their tracks, 150, number 140 is 'test-0140' and 140"),
        ({"subsets": False}, "differ in their subsets"),
        ({"resampling": Resampling(61, 3)}, "their intervals were computed with"),
    ],
)
def test_runs_on_different_data_are_refused(settings, match):
    with pytest.raises(ValueError, match=f"The runs 'x' and 'y' cannot be compared.*{match}"):
        compare_runs([run_of(), run_of(folder="y", **settings)])


def test_the_same_tracks_with_other_tags_are_refused():
    first, other = run_of(), run_of(folder="y")
    changed = other.predictions.targets.copy()
    changed[3, 2] ^= True
    with pytest.raises(ValueError, match="their tracks have different tags"):
        compare_runs([first, replace(other, predictions=replace(other.predictions, targets=changed))])


def test_validation_runs_are_not_mixed_with_test_runs():
    valid = simulate(part="valid")
    with pytest.raises(ValueError, match="differ in their part, test and valid"):
        compare_runs([run_of(), EvaluationRun("y", valid, make_report(valid, resampling=FEW))])


def test_missing_runs_and_unknown_metrics_are_reported(read):
    with pytest.raises(ValueError, match="at least one run"):
        compare_runs([])
    with pytest.raises(UnknownNameError, match="no metric 'prauc'. Did you mean 'pr_auc'"):
        compare_runs(read, "prauc")
    with pytest.raises(ValueError, match="'x' has no MCC, because it was evaluated without validation scores"):
        compare_runs([run_of(valid=False)], "mcc")


def test_p_values_match_the_normal_distribution():
    differences = norm.ppf((np.arange(9999) + 0.5) / 9999) + 1.5
    assert p_value(differences) == pytest.approx(2 * norm.cdf(-1.5), abs=3e-4)
    assert p_value(-differences) == p_value(differences)


def test_holm_by_hand():
    # sorted .01 .02 .03 .2, times 4 3 2 1: .04 .06 .06 .2
    assert holm_correction(np.array([0.2, 0.01, 0.03, 0.02])).tolist() == pytest.approx([0.2, 0.04, 0.06, 0.06])
    assert holm_correction(np.array([0.6, 0.7])).tolist() == [1, 1]


def test_thresholds_by_different_criteria_are_refused():
    first, other = run_of(), run_of(folder="y")
    test, valid = pair()
    other = replace(other, report=make_report(test, valid, criterion="f1", resampling=FEW))
    with pytest.raises(ValueError, match="'x' and 'y' cannot be compared: their thresholds maximise MCC and F1"):
        compare_runs([first, other])

import shutil

import numpy as np
import pytest
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score

from keras_musictag.evaluation import load_predictions, write_run
from keras_musictag.metrics import resample_weights
from keras_musictag.robustness import measure_drops
from keras_musictag.robustness.drops import METRICS
from tests.evaluation.simulate import simulate
from tests.robustness.conftest import FEW, QUALITY

MODELS = ("first", "second")


def trapezoids(targets, scores, sample_weight=None):
    precision, recall, _ = precision_recall_curve(targets, scores, sample_weight=sample_weight)
    return auc(recall, precision)


SCIKIT = {"pr_auc": trapezoids, "roc_auc": roc_auc_score, "average_precision": average_precision_score}


def macro(metric, predictions, drawn=None):
    """The mean with scikit-learn, over the tags that have both classes among the tracks that were drawn."""
    found = []
    for targets, scores in zip(predictions.targets.T, predictions.scores.T, strict=True):
        kept = slice(None) if drawn is None else drawn > 0
        if len(set(targets[kept])) == 2:
            weights = None if drawn is None else drawn[kept]
            found.append(SCIKIT[metric](targets[kept], scores[kept], sample_weight=weights))
    return np.mean(found)


@pytest.fixture(scope="module")
def result(simulated):
    return measure_drops(simulated, MODELS, tuple(QUALITY))


@pytest.mark.parametrize("metric", METRICS)
def test_drops_and_intervals_match_scikit_learn(result, simulated, metric):
    original, noisy = (
        load_predictions(simulated / "first" / name / "measured.npz")
        for name in QUALITY
        if name in ("original", "noise_0.4")
    )
    drop = result.drops["first", "noise_0.4", metric]
    assert drop.value == pytest.approx(macro(metric, noisy), abs=1e-12)
    assert drop.drop == pytest.approx(macro(metric, original) - macro(metric, noisy), abs=1e-12)
    draws = np.concatenate(list(resample_weights(len(original), FEW.resamples, FEW.seed)), axis=1).T
    differences = [macro(metric, original, drawn) - macro(metric, noisy, drawn) for drawn in draws]
    low, high = np.quantile(differences, [0.025, 0.975]) - np.median(differences) + drop.drop
    assert (drop.drop_low, drop.drop_high) == pytest.approx((low, high), abs=1e-12)


def test_the_original_has_no_drop(result):
    for model in MODELS:
        for metric in METRICS:
            drop = result.drops[model, "original", metric]
            assert (drop.drop, drop.drop_low, drop.drop_high) == (0, 0, 0)
            assert drop.low < drop.value < drop.high


def test_equal_scores_have_no_drop_and_worse_ones_a_larger_one(result):
    for model in MODELS:
        drops = {name: result.drops[model, name, "pr_auc"] for name in QUALITY}
        assert (drops["mp3_32"].drop, drops["mp3_32"].drop_low, drops["mp3_32"].drop_high) == (0, 0, 0)
        assert 0 < drops["noise_0.1"].drop < drops["noise_0.4"].drop
        assert 0 < drops["noise_0.4"].drop_low < drops["noise_0.4"].drop < drops["noise_0.4"].drop_high


def test_the_original_is_always_first(result, simulated):
    assert result.conditions == tuple(QUALITY)
    assert measure_drops(simulated, MODELS, ("mp3_32", "original")).conditions == ("original", "mp3_32")
    assert measure_drops(simulated, MODELS, ("mp3_32",)).conditions == ("original", "mp3_32")


def test_runs_on_other_tracks_or_resamples_are_refused(simulated, tmp_path):
    shutil.copytree(simulated / "first", tmp_path / "first")
    shutil.copytree(simulated / "second", tmp_path / "second")
    bare = {"chunks": False, "subsets": False}
    write_run(tmp_path / "first" / "mp3_32", simulate(model="first", tracks=149, **bare), resampling=FEW)
    with pytest.raises(ValueError, match="must have the same tracks, tags and resamples"):
        measure_drops(tmp_path, ("first",), ("mp3_32",))
    write_run(tmp_path / "second" / "original", simulate(model="second", **bare))
    with pytest.raises(ValueError, match="their intervals were computed with"):
        measure_drops(tmp_path, MODELS, ())


def test_a_missing_run_is_reported(simulated):
    with pytest.raises(FileNotFoundError, match="gain_up_12"):
        measure_drops(simulated, MODELS, ("gain_up_12",))

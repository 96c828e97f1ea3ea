"""Bootstrap resamples and intervals."""

import warnings

import numpy as np
import pytest

from keras_musictag.metrics import average_precision, bootstrap, f1, interval, mcc, pr_auc, resample_weights, roc_auc
from tests.metrics.cases import CASES

TARGETS, SCORES = CASES["tied"]
RANKING = {"roc_auc": roc_auc, "pr_auc": pr_auc, "average_precision": average_precision}
DECISION = {"mcc": mcc, "f1": f1}


@pytest.mark.parametrize("chunks", [1, 5])
def test_a_resample_equals_the_metric_of_the_drawn_rows(chunks):
    """Each number is computed again from actually repeated rows."""
    tracks = np.arange(len(TARGETS)) // chunks
    resampled = bootstrap(TARGETS, SCORES, thresholds=0.5, tracks=tracks, resamples=130, seed=4)
    weights = np.concatenate(list(resample_weights(tracks.max() + 1, 130, seed=4)), axis=1)
    for at in (0, 127, 128, 129):  # in both blocks
        times = weights[tracks, at].astype(int)
        targets, scores = TARGETS.repeat(times, axis=0), SCORES.repeat(times, axis=0)
        expected = {name: metric(targets, scores) for name, metric in RANKING.items()}
        expected |= {name: metric(targets, scores, 0.5) for name, metric in DECISION.items()}
        for name, result in expected.items():
            np.testing.assert_allclose(resampled[name].per_tag[:, at], result.per_tag, rtol=0, atol=1e-12)
            assert resampled[name].macro[at] == pytest.approx(result.macro, abs=1e-12)
            assert resampled[name].micro[at] == pytest.approx(result.micro, abs=1e-12)


def test_every_resample_draws_the_number_of_tracks():
    weights = np.concatenate(list(resample_weights(50, 300, seed=1)), axis=1)
    assert weights.shape == (50, 300)
    assert (weights.sum(axis=0) == 50).all()
    assert weights.mean(axis=1) == pytest.approx(np.ones(50), abs=0.3)  # 5 standard errors of 300 draws
    assert weights.var() == pytest.approx(1 - 1 / 50, abs=0.05)  # the variance of a binomial


def test_the_seed_determines_the_resamples():
    first, again, other = (bootstrap(TARGETS, SCORES, resamples=20, seed=seed)["pr_auc"].macro for seed in (0, 0, 1))
    assert first.tolist() == again.tolist() != other.tolist()


def test_without_thresholds_there_are_no_decisions():
    assert list(bootstrap(TARGETS, SCORES, resamples=2)) == list(RANKING)
    assert list(bootstrap(TARGETS, SCORES, thresholds=0.5, resamples=2)) == [*RANKING, *DECISION]


@pytest.mark.parametrize("name", [*RANKING, *DECISION])
def test_a_metric_alone_has_the_same_values(name):
    every = bootstrap(TARGETS, SCORES, thresholds=0.5, resamples=20)
    alone = bootstrap(TARGETS, SCORES, thresholds=0.5, resamples=20, only=(name,))
    assert list(alone) == [name]
    np.testing.assert_array_equal(alone[name].per_tag, every[name].per_tag)


def test_the_interval_holds_the_true_value_as_often_as_stated():
    """Gaussian scores one standard deviation apart: the true ROC-AUC is the normal distribution at 1 / sqrt(2)."""
    truth, held = 0.7602499389, 0
    generator = np.random.default_rng(2)
    for _ in range(100):
        targets = generator.random((100, 1)) < 0.5
        scores = targets + generator.normal(size=(100, 1))
        low, high = interval(bootstrap(targets, scores, resamples=80)["roc_auc"].macro)
        held += low <= truth <= high
    assert 0.87 <= held / 100 <= 0.99  # 95 % is expected, and slightly less for 100 rows


def test_a_tag_without_both_classes_is_nan_in_that_resample():
    targets = np.zeros((10, 2), bool)
    targets[0, 0] = True  # drawn in 65 % of the resamples
    targets[:5, 1] = True
    scores = np.random.default_rng(0).random((10, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resampled = bootstrap(targets, scores, thresholds=0.5, resamples=100)
    for values in resampled.values():
        lost = np.isnan(values.per_tag[0])
        assert 20 < lost.sum() < 50
        np.testing.assert_array_equal(values.macro[lost], values.per_tag[1, lost])  # NaN where both tags lost a class
        assert np.isfinite(interval(values.per_tag)).all()


def test_an_interval_by_hand():
    values = np.array([np.arange(41.0), np.full(41, np.nan), [np.nan] * 40 + [3.0]])
    low_high = interval(values, level=0.95)
    np.testing.assert_allclose(low_high, [[1, 39], [np.nan, np.nan], [3, 3]], atol=1e-12)
    moved = interval(values, level=0.95, around=np.array([10.0, 1.0, np.nan]))
    np.testing.assert_allclose(moved, [[-9, 29], [np.nan, np.nan], [np.nan, np.nan]], atol=1e-12)
    with pytest.raises(ValueError, match="`level` must be between 0 and 1. Received: 95"):
        interval(values, level=95)


def test_only_the_moved_ap_interval_holds_with_few_positives():
    """20 tags apply to 4 to 40 % of 60 tracks, and scores are random: resamples repeat positives, which raises AP."""
    rates = np.linspace(0.04, 0.4, 20)

    def draw(seed):
        generator = np.random.default_rng(seed)
        return generator.random((60, 20)) < rates, generator.normal(size=(60, 20))

    expected = np.mean([average_precision(*draw(1000 + seed)).macro for seed in range(100)])
    held = {"plain": 0, "moved": 0}
    for seed in range(60):
        value = average_precision(*draw(seed)).macro
        samples = bootstrap(*draw(seed), resamples=100, only=("average_precision",))["average_precision"].macro
        for kind, around in (("plain", None), ("moved", value)):
            low, high = interval(samples, around=around)
            held[kind] += low <= expected <= high
    assert held["moved"] / 60 > 0.9 > held["plain"] / 60


def test_invalid_resamples_and_scores_are_refused():
    with pytest.raises(ValueError, match="`resamples` must be 1 or more"):
        bootstrap(TARGETS, SCORES, resamples=0)
    with pytest.raises(ValueError, match="`scores` must be finite"):
        bootstrap(TARGETS, SCORES * np.nan)
    with pytest.raises(ValueError, match="nothing to compute.*'mcc'"):
        bootstrap(TARGETS, SCORES, only=("mcc",))

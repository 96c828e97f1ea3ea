"""ROC-AUC, PR-AUC and average precision: the same claims for the three."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from keras_musictag.metrics import average_precision, pr_auc, roc_auc
from tests.metrics.cases import CASES, WEIGHTS


def sklearn_pr_auc(targets, scores, sample_weight=None):
    precision, recall, _ = sklearn_metrics.precision_recall_curve(targets, scores, sample_weight=sample_weight)
    return sklearn_metrics.auc(recall, precision)


ORACLES = {
    roc_auc: sklearn_metrics.roc_auc_score,
    average_precision: sklearn_metrics.average_precision_score,
    pr_auc: sklearn_pr_auc,
}
METRICS = pytest.mark.parametrize("metric", ORACLES, ids=lambda metric: metric.__name__)
EVERY_CASE = pytest.mark.parametrize("case", CASES)


@METRICS
@EVERY_CASE
def test_the_value_equals_that_of_scikit_learn(metric, case):
    targets, scores = CASES[case]
    expected = [ORACLES[metric](targets[:, i], scores[:, i]) for i in range(targets.shape[1])]
    result = metric(targets, scores)
    np.testing.assert_allclose(result.per_tag, expected, rtol=0, atol=1e-12)  # round-off of float64 sums
    assert result.macro == pytest.approx(np.mean(expected), abs=1e-12)
    assert result.micro == pytest.approx(ORACLES[metric](targets.ravel(), scores.ravel()), abs=1e-12)
    assert result.left_out == 0


@METRICS
@pytest.mark.parametrize("case", [case for case in CASES if case != "two rows"])
def test_a_weight_of_k_equals_k_copies_of_a_row(metric, case):
    targets, scores = CASES[case]
    weighted = metric(targets, scores, weights=WEIGHTS)
    repeated = metric(targets.repeat(WEIGHTS, axis=0), scores.repeat(WEIGHTS, axis=0))
    np.testing.assert_allclose(weighted.per_tag, repeated.per_tag, rtol=0, atol=1e-12)
    assert weighted.macro == pytest.approx(repeated.macro, abs=1e-12)
    assert weighted.micro == pytest.approx(repeated.micro, abs=1e-12)


@METRICS
def test_fractional_weights_give_the_value_of_scikit_learn(metric):
    targets, scores = CASES["tied"]
    weights = np.random.default_rng(3).random(len(targets))
    expected = [ORACLES[metric](targets[:, i], scores[:, i], sample_weight=weights) for i in range(targets.shape[1])]
    np.testing.assert_allclose(metric(targets, scores, weights=weights).per_tag, expected, rtol=0, atol=1e-12)


@METRICS
def test_a_weight_counts_all_chunks_of_a_track(metric):
    targets, scores = CASES["tied"]
    tracks = np.arange(len(targets)) // 5
    weights = np.arange(24) % 3
    by_track = metric(targets, scores, weights=weights, tracks=tracks)
    by_row = metric(targets, scores, weights=weights[tracks])
    np.testing.assert_allclose(by_track.per_tag, by_row.per_tag, rtol=0, atol=1e-12)
    assert by_track.micro == pytest.approx(by_row.micro, abs=1e-12)


@METRICS
def test_the_order_of_the_rows_does_not_matter(metric):
    targets, scores = CASES["tied"]
    order = np.random.default_rng(0).permutation(len(targets))
    np.testing.assert_allclose(
        metric(targets[order], scores[order]).per_tag, metric(targets, scores).per_tag, rtol=0, atol=1e-12
    )


@METRICS
def test_increasing_functions_of_scores_change_nothing(metric):
    targets, scores = CASES["tied"]
    assert metric(targets, np.arctan(scores / 3)).per_tag.tolist() == metric(targets, scores).per_tag.tolist()


@METRICS
def test_a_perfect_ranking_is_1(metric):
    assert metric(*CASES["perfect"]).per_tag.tolist() == [1, 1, 1, 1]


def test_a_constant_score_is_chance():
    targets, scores = CASES["constant"]
    share = targets.mean(axis=0)
    assert roc_auc(targets, scores).per_tag.tolist() == [0.5] * 4
    np.testing.assert_allclose(average_precision(targets, scores).per_tag, share, rtol=0, atol=1e-15)
    # a straight line from precision 1 at recall 0 to the share of positives at recall 1
    np.testing.assert_allclose(pr_auc(targets, scores).per_tag, (1 + share) / 2, rtol=0, atol=1e-15)


def test_values_worked_out_by_hand():
    """From the highest score: a positive, a negative, a tie of one positive and two negatives, a positive."""
    targets = np.array([[1], [0], [1], [0], [0], [1]])
    scores = np.array([[0.9], [0.8], [0.5], [0.5], [0.5], [0.1]])
    # 9 pairs: the first positive wins 3, the second wins 0 and ties 2, the third wins none
    assert roc_auc(targets, scores).macro == pytest.approx((3 + 0 + 2 / 2) / 9, abs=1e-15)
    # precision at the steps: 1, 1/2, 2/5, 1/2; the positives are in the first, third and fourth
    assert average_precision(targets, scores).macro == pytest.approx((1 + 2 / 5 + 1 / 2) / 3, abs=1e-15)
    trapezoids = ((1 + 1) / 2 + (1 / 2 + 2 / 5) / 2 + (2 / 5 + 1 / 2) / 2) / 3
    assert pr_auc(targets, scores).macro == pytest.approx(trapezoids, abs=1e-15)


@METRICS
def test_a_tag_with_one_class_is_left_out_and_counted(metric):
    targets, scores = CASES["informed"]
    never, always = np.zeros((len(targets), 1), bool), np.ones((len(targets), 1), bool)
    result = metric(np.hstack([targets, never, always]), np.hstack([scores, scores[:, :2]]))
    assert result.left_out == 2
    assert np.isnan(result.per_tag[4:]).all()
    assert result.macro == metric(targets, scores).macro


@METRICS
@pytest.mark.parametrize("value", [0, 1])
def test_without_both_classes_all_values_are_nan(metric, value):
    result = metric(np.full((3, 2), value), np.random.default_rng(0).random((3, 2)))
    assert result.left_out == 2
    assert np.isnan([*result.per_tag, result.macro, result.micro]).all()


@METRICS
def test_invalid_arguments_are_named(metric):
    targets, scores = CASES["random"]
    bad = scores.copy()
    bad[3, 2] = np.nan
    with pytest.raises(ValueError, match="`scores` must be finite. Received: nan in row 3, tag 2"):
        metric(targets, bad)
    with pytest.raises(ValueError, match="must share one shape.*targets \\(120, 4\\), scores \\(119, 4\\)"):
        metric(targets, scores[1:])
    with pytest.raises(ValueError, match="at least one row and one tag"):
        metric(targets[:0], scores[:0])
    with pytest.raises(ValueError, match="at least one row and one tag"):
        metric(targets[:, 0], scores[:, 0])
    with pytest.raises(ValueError, match="`targets` must be 0 or 1. Received: 2"):
        metric(targets * 2, scores)
    with pytest.raises(ValueError, match="`scores` must be numbers"):
        metric(targets, scores.astype(str))
    with pytest.raises(ValueError, match="`weights` must have one number per track"):
        metric(targets, scores, weights=np.ones(3))
    with pytest.raises(ValueError, match="`weights` must be finite, 0 or above"):
        metric(targets, scores, weights=np.full(120, -1))
    with pytest.raises(ValueError, match="`tracks` must be 120 whole numbers"):
        metric(targets, scores, tracks=np.arange(120) * 0.5)

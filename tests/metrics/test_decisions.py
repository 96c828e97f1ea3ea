"""MCC and F1 at given thresholds, the same claims for both; and the choice of thresholds."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from keras_musictag.errors import UnknownNameError
from keras_musictag.metrics import choose_thresholds, f1, mcc
from tests.metrics.cases import CASES, WEIGHTS


def sklearn_f1(targets, decided):
    return sklearn_metrics.f1_score(targets, decided, zero_division=0)


ORACLES = {mcc: sklearn_metrics.matthews_corrcoef, f1: sklearn_f1}
METRICS = pytest.mark.parametrize("metric", ORACLES, ids=lambda metric: metric.__name__)
THRESHOLDS = np.array([0.2, 0.5, 1.0, 0.0])


def thresholds_of(targets):
    return THRESHOLDS[: targets.shape[1]]


@METRICS
@pytest.mark.parametrize("case", CASES)
def test_the_value_equals_that_of_scikit_learn(metric, case):
    targets, scores = CASES[case]
    thresholds = thresholds_of(targets)
    decided = scores >= thresholds
    expected = [ORACLES[metric](targets[:, i], decided[:, i]) for i in range(targets.shape[1])]
    result = metric(targets, scores, thresholds)
    np.testing.assert_allclose(result.per_tag, expected, rtol=0, atol=1e-12)
    assert result.macro == pytest.approx(np.mean(expected), abs=1e-12)
    assert result.micro == pytest.approx(ORACLES[metric](targets.ravel(), decided.ravel()), abs=1e-12)
    assert result.left_out == 0


@METRICS
def test_a_weight_of_k_equals_k_copies_of_a_row(metric):
    targets, scores = CASES["tied"]
    weighted = metric(targets, scores, THRESHOLDS, weights=WEIGHTS)
    repeated = metric(targets.repeat(WEIGHTS, axis=0), scores.repeat(WEIGHTS, axis=0), THRESHOLDS)
    np.testing.assert_allclose(weighted.per_tag, repeated.per_tag, rtol=0, atol=1e-12)
    assert weighted.micro == pytest.approx(repeated.micro, abs=1e-12)


@METRICS
def test_a_weight_counts_all_chunks_of_a_track(metric):
    targets, scores = CASES["tied"]
    tracks = np.arange(len(targets))[::-1] // 5
    weights = np.arange(24) % 3
    by_track = metric(targets, scores, THRESHOLDS, weights=weights, tracks=tracks)
    by_row = metric(targets, scores, THRESHOLDS, weights=weights[tracks])
    np.testing.assert_allclose(by_track.per_tag, by_row.per_tag, rtol=0, atol=1e-12)


def test_values_worked_out_by_hand():
    """3 hits, 1 false alarm, 2 misses, 4 rejections."""
    targets = np.array([[1], [1], [1], [0], [1], [1], [0], [0], [0], [0]])
    scores = np.array([[0.9], [0.9], [0.5], [0.5], [0.4], [0.4], [0.4], [0.3], [0.2], [0.1]])
    # a score that equals its threshold counts as a decision for the tag
    assert mcc(targets, scores, 0.5).macro == pytest.approx((3 * 4 - 1 * 2) / np.sqrt(4 * 5 * 5 * 6), abs=1e-15)
    assert f1(targets, scores, 0.5).macro == pytest.approx(6 / 9, abs=1e-15)


def test_extremes():
    assert mcc(*CASES["perfect"], 0.5).per_tag.tolist() == pytest.approx([1] * 4, abs=1e-15)
    assert f1(*CASES["perfect"], 0.5).per_tag.tolist() == [1] * 4
    assert mcc(*CASES["inverted"], -0.5).per_tag.tolist() == pytest.approx([-1] * 4, abs=1e-15)
    assert f1(*CASES["inverted"], -0.5).per_tag.tolist() == [0] * 4
    # all decisions are the same: no correlation
    assert mcc(*CASES["constant"], 0.6).per_tag.tolist() == mcc(*CASES["constant"], 0.4).per_tag.tolist() == [0] * 4
    assert f1(*CASES["constant"], 0.6).per_tag.tolist() == [0] * 4


@METRICS
def test_a_tag_with_one_class_is_left_out_and_counted(metric):
    targets, scores = CASES["informed"]
    both = metric(targets, scores, THRESHOLDS)
    always = np.ones((len(targets), 1), bool)
    result = metric(np.hstack([targets, always]), np.hstack([scores, scores[:, :1]]), [*THRESHOLDS, 0.5])
    assert (result.left_out, result.macro) == (1, both.macro)
    assert np.isnan(result.per_tag[4])


@METRICS
def test_huge_weights_do_not_overflow(metric):
    targets = np.array([[1], [0]])
    scores = np.array([[1.0], [0.0]])
    assert metric(targets, scores, 0.5, weights=np.full(2, 1e90)).macro == pytest.approx(1, abs=1e-12)


@METRICS
def test_invalid_thresholds_are_refused(metric):
    targets, scores = CASES["random"]
    match = r"`thresholds` must have one number per tag, shape \(4,\)\. Received: shape \(3,\)"
    with pytest.raises(ValueError, match=match):
        metric(targets, scores, [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="`thresholds` must be finite"):
        metric(targets, scores, np.nan)
    with pytest.raises(ValueError, match="must share one shape"):
        metric(targets, scores[1:], 0.5)


CRITERIA = {"mcc": mcc, "f1": f1}


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("case", [case for case in CASES if case != "two rows"])
def test_no_other_threshold_is_better(criterion, case):
    targets, scores = CASES[case]
    metric = CRITERIA[criterion]
    best = metric(targets, scores, choose_thresholds(targets, scores, criterion).values).per_tag
    for value in np.unique(scores):
        for threshold in (value, np.nextafter(value, np.inf)):
            assert (metric(targets, scores, threshold).per_tag <= best + 1e-12).all()


def test_a_choice_worked_out_by_hand():
    targets = np.array([[1], [0], [1], [0], [0]])
    scores = np.array([[0.8], [0.6], [0.4], [0.2], [0.1]])
    # F1 if the tag is decided for the first 1, 2, 3, 4, 5 rows: 2/3, 1/2, 4/5, 2/3, 4/7
    assert choose_thresholds(targets, scores, "f1").values.tolist() == [pytest.approx((0.4 + 0.2) / 2)]


def test_the_highest_of_equally_good_thresholds_is_chosen():
    targets = np.array([[1], [0], [0], [1]])
    scores = np.array([[0.9], [0.6], [0.3], [0.1]])
    # F1 is 2/3 if the tag is decided for the first row, and also if it is decided for all rows
    assert choose_thresholds(targets, scores, "f1").values.tolist() == [0.75]


def test_the_lowest_score_is_chosen_if_always_is_best():
    targets = np.array([[0], [1], [1]])
    scores = np.array([[0.9], [0.6], [0.3]])
    assert choose_thresholds(targets, scores, "f1").values.tolist() == [0.3]


def test_neighbouring_floats_can_be_separated():
    upper = 0.5
    scores = np.array([[upper], [np.nextafter(upper, 0)]])
    thresholds = choose_thresholds(np.array([[1], [0]]), scores).values
    assert mcc(np.array([[1], [0]]), scores, thresholds).macro == 1


def test_a_tag_with_one_class_has_no_choice():
    targets = np.array([[1, 0, 1], [0, 0, 1]])
    scores = np.array([[0.9, 0.9, 0.9], [0.1, 0.1, 0.1]])
    thresholds = choose_thresholds(targets, scores)
    assert thresholds.chosen.tolist() == [True, False, False]
    assert thresholds.values.tolist() == [0.5, 0.5, 0.5]
    assert thresholds.criterion == "mcc"


def test_invalid_criteria_and_scores_are_refused():
    with pytest.raises(UnknownNameError, match="no criterion 'mc'. Did you mean 'mcc'"):
        choose_thresholds([[1], [0]], [[0.1], [0.2]], "mc")
    with pytest.raises(ValueError, match="finite"):
        choose_thresholds([[1], [0]], [[0.1], [np.inf]])

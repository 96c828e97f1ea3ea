import numpy as np
import pytest

from keras_musictag.errors import UnknownNameError
from keras_musictag.metrics import choose_thresholds, f1, mcc
from tests.metrics.inputs import CASES

METRICS = {"mcc": mcc, "f1": f1}


@pytest.mark.parametrize("criterion", METRICS)
@pytest.mark.parametrize("case", [case for case in CASES if case != "two rows"])
def test_no_other_threshold_is_better(criterion, case):
    targets, scores = CASES[case]
    metric = METRICS[criterion]
    best = metric(targets, scores, choose_thresholds(targets, scores, criterion).values).per_tag
    for value in np.unique(scores):
        for threshold in (value, np.nextafter(value, np.inf)):
            assert (metric(targets, scores, threshold).per_tag <= best + 1e-12).all()


def test_a_choice_worked_out_by_hand():
    targets = np.array([[1], [0], [1], [0], [0]])
    scores = np.array([[0.8], [0.6], [0.4], [0.2], [0.1]])
    # F1 when 1, 2, 3, 4, 5 are said: 2/3, 1/2, 4/5, 2/3, 4/7
    assert choose_thresholds(targets, scores, "f1").values.tolist() == [pytest.approx((0.4 + 0.2) / 2)]


def test_of_equally_good_thresholds_the_highest_is_taken():
    targets = np.array([[1], [0], [0], [1]])
    scores = np.array([[0.9], [0.6], [0.3], [0.1]])
    # F1 is 2/3 when the first is said, and again when all are
    assert choose_thresholds(targets, scores, "f1").values.tolist() == [0.75]


def test_where_it_is_best_to_say_the_tag_always_the_threshold_is_the_lowest_score():
    targets = np.array([[0], [1], [1]])
    scores = np.array([[0.9], [0.6], [0.3]])
    assert choose_thresholds(targets, scores, "f1").values.tolist() == [0.3]


def test_neighbours_without_a_number_between_them_are_told_apart():
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


def test_an_unknown_criterion_and_scores_that_are_no_numbers_are_refused():
    with pytest.raises(UnknownNameError, match="no criterion 'mc'. Did you mean 'mcc'"):
        choose_thresholds([[1], [0]], [[0.1], [0.2]], "mc")
    with pytest.raises(ValueError, match="finite"):
        choose_thresholds([[1], [0]], [[0.1], [np.inf]])

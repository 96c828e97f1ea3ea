"""Scores of chunks are merged into scores of a track."""

import numpy as np
import pytest

from keras_musictag import UnknownNameError
from keras_musictag.choices import AGGREGATES
from keras_musictag.tags import aggregate_scores

SCORES = np.array([[0.0, 0.25], [0.25, 0.25], [1.0, 0.75], [0.75, 0.0]])  # binary fractions: exact in float32


@pytest.mark.parametrize("how, expected", [("mean", [0.5, 0.3125]), ("median", [0.5, 0.25]), ("max", [1.0, 0.75])])
def test_values_worked_out_by_hand(how, expected):
    assert aggregate_scores(SCORES, how).tolist() == expected


def test_the_default_is_the_mean():
    np.testing.assert_array_equal(aggregate_scores(SCORES), aggregate_scores(SCORES, "mean"))


@pytest.mark.parametrize("how", AGGREGATES)
def test_one_chunk_is_the_track(how):
    scores = np.random.default_rng(0).random((1, 50), np.float32)
    np.testing.assert_array_equal(aggregate_scores(scores, how), scores[0])


@pytest.mark.parametrize("how", AGGREGATES)
def test_the_order_of_the_chunks_does_not_matter(how):
    scores = np.random.default_rng(1).random((9, 50))
    # float64 sums in another order differ by 1e-16; rounded to float32, by at most one step of 6e-8
    np.testing.assert_allclose(aggregate_scores(scores[::-1], how), aggregate_scores(scores, how), atol=6e-8)


@pytest.mark.parametrize("how", AGGREGATES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_track_has_one_float32_per_tag(how, dtype):
    merged = aggregate_scores(SCORES.astype(dtype), how)
    assert (merged.shape, merged.dtype) == ((2,), np.float32)


@pytest.mark.parametrize("how", AGGREGATES)
def test_scores_stay_between_the_lowest_and_the_highest_chunk(how):
    scores = np.random.default_rng(2).random((7, 50), np.float32)
    merged = aggregate_scores(scores, how)
    # a float32 mean of equal numbers may be off by one rounding step, 6e-8 for numbers below 1
    assert np.all(merged >= scores.min(axis=0) - 6e-8) and np.all(merged <= scores.max(axis=0) + 6e-8)


def test_the_error_suggests_the_nearest_aggregate():
    with pytest.raises(UnknownNameError, match=r"There is no aggregate 'meen'\. Did you mean 'mean'\?"):
        aggregate_scores(SCORES, "meen")

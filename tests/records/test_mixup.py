import numpy as np
import pytest
from scipy import stats

from keras_musictag.records.mixup import draw_share, mix


def test_shares_are_beta_distributed():
    shares = [draw_share(0.4, seed=0, epoch=0, batch=batch) for batch in range(2000)]
    assert stats.kstest(shares, stats.beta(0.4, 0.4).cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", ["seed", "epoch", "batch", "worker"])
def test_each_input_changes_the_share(name):
    where = {"seed": 0, "epoch": 0, "batch": 0, "worker": 0}
    assert draw_share(1.0, **where) == draw_share(1.0, **where)
    assert draw_share(1.0, **where) != draw_share(1.0, **{**where, name: 1})


def test_mixup_is_a_weighted_mean():
    values = np.float32([[1, 0], [0, 1], [1, 1]])
    mixed = mix(values, np.roll(values, 1, axis=0), np.float32(0.75))
    np.testing.assert_array_equal(mixed, np.float32([[1, 0.25], [0.25, 0.75], [0.75, 1]]))
    assert mixed.dtype == np.float32


def test_mixup_leaves_a_batch_of_one_unchanged():
    values = np.float32([[0.5, 0.25]])
    np.testing.assert_array_equal(mix(values, np.roll(values, 1, axis=0), np.float32(0.5)), values)

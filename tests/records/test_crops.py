import numpy as np
import pytest
from scipy import stats

from keras_musictag.audio import Chunking, cut
from keras_musictag.records import crops
from keras_musictag.records.crops import (
    cover_starts,
    cut_at,
    random_starts,
    spread_starts,
    stateless_hash,
)
from keras_musictag.records.tf_data import graph_crops

HERE = {"seed": 0, "epoch": 0, "track_index": 0, "k": 0}


def test_the_hash_is_splitmix64():
    """Its first three outputs for the seed 0: state is the seed plus a multiple of the golden constant."""
    states = [(n * crops.GOLDEN) % 2**64 for n in range(3)]
    known = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [int(stateless_hash(state)) for state in states] == known


def test_words_are_taken_modulo_2_to_the_64():
    assert stateless_hash(-1) == stateless_hash(2**64 - 1) == stateless_hash(np.int64(-1))


def test_numpy_and_tensorflow_hash_to_the_same_bits():
    words = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, (4, 500))
    np.testing.assert_array_equal(graph_crops.stateless_hash(*words).numpy(), stateless_hash(*words))
    np.testing.assert_array_equal(graph_crops.stateless_hash(-5, words[0]).numpy(), stateless_hash(-5, words[0]))


def test_numpy_and_tensorflow_sort_hashes_alike():
    keys = stateless_hash(np.arange(500))
    np.testing.assert_array_equal(graph_crops.order(keys).numpy(), np.argsort(keys, kind="stable"))


def test_numpy_and_tensorflow_draw_the_same_starts():
    lengths = np.random.default_rng(1).integers(1, 10**7, 500)
    where = {"seed": 7, "epoch": 3, "track_index": np.arange(500), "k": np.arange(500) % 3}
    expected = random_starts(lengths, 59049, **where)
    np.testing.assert_array_equal(graph_crops.random_starts(lengths, 59049, **where).numpy(), expected)
    assert expected.dtype == np.int64 and expected.std() > 0


def test_starts_are_uniform_over_all_positions():
    for name in ("epoch", "track_index", "k", "seed"):  # along each of the four inputs
        starts = random_starts(1019, 1000, **{**HERE, name: np.arange(20000)})
        counts = np.bincount(starts, minlength=20)
        assert len(counts) == 20  # from 0 to 19, both ends included
        assert stats.chisquare(counts).pvalue > 1e-3


def test_starts_of_two_epochs_are_not_correlated():
    tracks = {**HERE, "track_index": np.arange(20000)}
    first, second = (random_starts(10**6, 1000, **{**tracks, "epoch": epoch}) for epoch in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03  # four standard deviations


@pytest.mark.parametrize("name", ["seed", "epoch", "track_index", "k"])
def test_each_input_changes_the_start(name):
    assert random_starts(10**9, 1, **HERE) != random_starts(10**9, 1, **{**HERE, name: 1})


@pytest.mark.parametrize("num_samples", [1, 999, 1000])
def test_a_short_track_starts_at_0(num_samples):
    starts = random_starts(num_samples, 1000, **{**HERE, "epoch": np.arange(50)})
    assert (starts == 0).all()
    assert spread_starts(num_samples, 1000).tolist() == [0] * 16
    assert cover_starts(num_samples, 1000, 500).tolist() == [0]


def test_evaluation_starts_are_those_of_2020():
    hop = (465984 - 59049) // 16
    assert hop == 25433
    assert spread_starts(465984, 59049).tolist() == [i * 25433 for i in range(16)]


@pytest.mark.parametrize("num_samples", [5, 10, 11, 19, 20, 21, 40, 47])
@pytest.mark.parametrize("hop_samples", [3, 10, 13])
def test_cover_starts_are_those_of_a_tagger(num_samples, hop_samples):
    track = np.arange(1, num_samples + 1, dtype=np.float32)
    chunks = list(cut([track], Chunking(chunk_samples=10, hop_samples=hop_samples), tail="anchor"))
    starts = cover_starts(num_samples, 10, hop_samples)
    assert starts.tolist() == [start for start, _ in chunks]
    np.testing.assert_array_equal(cut_at(track, starts, 10), [chunk for _, chunk in chunks])


def test_samples_past_the_end_are_zero():
    assert cut_at(np.array([1, 2, 3], np.int16), np.array([1]), 4).tolist() == [[2, 3, 0, 0]]
    assert cut_at(np.ones((2, 5)), np.array([0]), 3).shape == (1, 3, 5)


def test_impossible_numbers_are_refused():
    with pytest.raises(ValueError, match="`count` must be 1 or more"):
        spread_starts(100, 10, 0)
    with pytest.raises(ValueError, match="`hop_samples` must be 1 or more"):
        cover_starts(100, 10, 0)

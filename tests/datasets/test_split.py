"""The seeded split: artists stay together, the shares are met, and only seed and groups matter."""

import itertools
import random
from collections import Counter, defaultdict

import pytest

from keras_musictag.datasets._split import divide
from keras_musictag.errors import DatasetError


def artists(seed: int, num_artists: int = 60) -> list[str]:
    """Tracks of artists who have 1 to 20 each, shuffled."""
    rng = random.Random(seed)
    groups = [f"artist {i}" for i in range(num_artists) for _ in range(rng.randint(1, 20))]
    rng.shuffle(groups)
    return groups


def test_no_artist_is_in_two_parts():
    parts_of = defaultdict(set)
    groups = artists(0)
    for group, part in zip(groups, divide(groups), strict=True):
        parts_of[group].add(part)
    assert {len(parts) for parts in parts_of.values()} == {1}


def test_single_tracks_are_split_exactly():
    assert Counter(divide([str(i) for i in range(200)])) == {"train": 160, "valid": 20, "test": 20}


@pytest.mark.parametrize("fractions", [(0.8, 0.1, 0.1), (0.5, 0.25, 0.25), (0.1, 0.1, 0.8)])
@pytest.mark.parametrize("seed", range(5))
def test_parts_are_within_a_percent_of_their_share(seed, fractions):
    groups = artists(seed)
    counts = Counter(divide(groups, seed, fractions))
    for part, fraction in zip(("train", "valid", "test"), fractions, strict=True):
        assert abs(counts[part] / len(groups) - fraction) < 0.01


@pytest.mark.parametrize("sizes", [(100, 1, 1), (50, 50, 1, 1), (9, 7, 3, 2, 1), (5, 5, 5), (30, 4, 3, 2, 2)])
def test_few_artists_are_split_as_well_as_possible(sizes):
    groups = [str(i) for i, size in enumerate(sizes) for _ in range(size)]
    targets = [f * len(groups) for f in (0.8, 0.1, 0.1)]

    def miss(counts):
        return max(abs(count - target) for count, target in zip(counts, targets, strict=True))

    every = itertools.product(range(3), repeat=len(sizes))
    possible = [[sum(s for s, p in zip(sizes, parts, strict=True) if p == k) for k in range(3)] for parts in every]
    best = min(miss(counts) for counts in possible if all(counts))
    counts = Counter(divide(groups))
    assert miss([counts["train"], counts["valid"], counts["test"]]) == best


def test_three_artists_fill_three_parts():
    groups = ["a"] * 10 + ["b"] * 10 + ["c"] * 10
    assert set(divide(groups)) == {"train", "valid", "test"}


def test_the_order_of_the_tracks_does_not_matter():
    groups = artists(1)
    of_group = dict(zip(groups, divide(groups, seed=3), strict=True))
    shuffled = random.Random(2).sample(groups, len(groups))
    assert dict(zip(shuffled, divide(shuffled, seed=3), strict=True)) == of_group


def test_the_split_depends_on_the_seed():
    groups = artists(1)
    assert divide(groups, seed=1) == divide(groups, seed=1)
    assert divide(groups, seed=1) != divide(groups, seed=2)


def test_no_part_gets_only_artists_with_few_tracks():
    groups = artists(4, num_artists=300)
    sizes, part_of = Counter(groups), dict(zip(groups, divide(groups), strict=True))
    for part in ("train", "valid", "test"):
        mean = sum(sizes[g] for g in part_of if part_of[g] == part) / sum(p == part for p in part_of.values())
        assert mean == pytest.approx(10.5, rel=0.25)  # of 1 to 20; five standard errors of 30 artists, three of ten


def test_a_part_with_the_fraction_0_gets_nothing():
    assert set(divide(["a", "b"], fractions=(1, 0, 0))) == {"train"}
    assert Counter(divide([str(i) for i in range(10)], fractions=(0.5, 0, 0.5))) == {"train": 5, "test": 5}


def test_fewer_artists_than_parts_is_an_error():
    with pytest.raises(DatasetError, match="Received: 2.*fraction 0"):
        divide(["a", "a", "b"])


@pytest.mark.parametrize(
    "fractions", [(0.8, 0.1), (0.8, 0.1, 0.2), (1.2, -0.1, -0.1), "111", None, (float("nan"), 0, 1)]
)
def test_invalid_fractions_are_an_error(fractions):
    with pytest.raises(ValueError, match="`fractions` must be three numbers"):
        divide(["a", "b", "c"], fractions=fractions)

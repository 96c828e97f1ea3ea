"""Cosines are those of the whole matrix, whatever the size of a block."""

import numpy as np
import pytest

from keras_musictag.library import cosine_similarities, similarity
from keras_musictag.library.similarity import find_neighbours


def test_cosines_are_exact_in_blocks(monkeypatch):
    monkeypatch.setattr(similarity, "BLOCK_BYTES", 4 * 5 * 3)  # three rows
    rng = np.random.default_rng(0)
    vectors, query = rng.normal(size=(10, 5)).astype(np.float32), rng.normal(size=5)
    vectors[4] = 0
    expected = vectors @ query / np.maximum(np.linalg.norm(vectors, axis=1), 1e-9) / np.linalg.norm(query)
    assert cosine_similarities(vectors, query) == pytest.approx(expected, abs=1e-6)
    assert cosine_similarities(vectors, np.zeros(5)).tolist() == [0] * 10
    assert cosine_similarities(vectors[:0], query).shape == (0,)


def test_neighbours_equal_the_whole_matrix(monkeypatch):
    monkeypatch.setattr(similarity, "BLOCK_ROWS", 7)
    monkeypatch.setattr(similarity, "KEPT_PAIRS", 20)
    rng = np.random.default_rng(0)
    unit = rng.normal(size=(40, 3)).astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -1)
    found = find_neighbours(unit, lowest=0.5, top=10)
    rows, columns = np.triu_indices(40, 1)
    best = np.argsort(-cosines[rows, columns])[:10]
    assert [pair[:2] for pair in found.pairs] == list(zip(rows[best], columns[best], strict=True))
    assert found.nearest == pytest.approx(cosines.max(axis=1), abs=1e-6)
    assert find_neighbours(unit[:1]).nearest.tolist() == [-1] and find_neighbours(unit[:0]).pairs == []

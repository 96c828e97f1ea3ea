"""Cosine similarity of embeddings, exact and in small blocks: one with all others, or all with each other."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BLOCK_BYTES = 2**20  # two passes over a block, of which the second reads the processor's cache
BLOCK_ROWS = 2048
KEPT_PAIRS = 10_000  # candidates that are kept before all but the best are dropped


def cosine_similarities(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Compares an embedding with the rows of an array, which may be mapped from a file.

    Args:
        vectors: Float32 (rows, features).
        query: Float (features,).

    Returns:
        Float32 (rows,), from -1 to 1; 0 for a row of zeros, or if the query is zeros.

    Example:
        >>> vectors = np.array([[2, 0], [0, 1], [-1, 0], [0, 0]], np.float32)
        >>> cosine_similarities(vectors, np.array([5.0, 0.0])).tolist()
        [1.0, 0.0, -1.0, 0.0]
    """
    query = unit_rows(np.asarray(query, np.float32)[None])[0]
    found = np.empty(len(vectors), np.float32)
    step = max(1, BLOCK_BYTES // (4 * len(query)))
    for start in range(0, len(vectors), step):
        block = np.asarray(vectors[start : start + step])
        length = np.sqrt(np.einsum("ij,ij->i", block, block))
        # not `@`, which starts threads for so little work, and on a busy machine waits for them
        found[start : start + step] = np.einsum("ij,j->i", block, query) / np.where(length > 0, length, 1)
    return found


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Divides each row of (rows, features) by its length; a row of zeros stays zeros.

    Example:
        >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
        [[0.6, 0.8], [0.0, 0.0]]
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """What the comparison found.

    Attributes:
        pairs: `(row, row, cosine)` of the most similar pairs, the most similar one first.
        nearest: Float32 (rows,), the cosine of each row with the row that is most similar to it; -1 if there is none.
    """

    pairs: list[tuple[int, int, float]]
    nearest: np.ndarray


def find_neighbours(
    unit: np.ndarray,
    lowest: float = 0.99,
    top: int = 50,
    report: Callable[[int, int], None] | None = None,
) -> Neighbours:
    """Compares each row with each other row: near-duplicates, and rows that resemble no other.

    The time grows with the square of the number of rows, the memory only with the number.

    Args:
        unit: Float32 (rows, features), each row of length 1 or 0.
        lowest: Smallest cosine of a pair.
        top: How many pairs are returned at most.
        report: Called with the rows that are done, and all rows.

    Example:
        >>> unit = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
        >>> find_neighbours(unit).pairs
        [(0, 2, 1.0)]
    """
    nearest = np.full(len(unit), -1.0, np.float32)
    pairs = np.zeros((0, 3))
    for start in range(0, len(unit), BLOCK_ROWS):
        block = unit[start : start + BLOCK_ROWS]
        for other in range(start, len(unit), BLOCK_ROWS):
            cosines = block @ unit[other : other + BLOCK_ROWS].T
            if other == start:
                np.fill_diagonal(cosines, -1.0)
            rows, columns = slice(start, start + len(block)), slice(other, other + cosines.shape[1])
            nearest[rows] = np.maximum(nearest[rows], cosines.max(axis=1))
            nearest[columns] = np.maximum(nearest[columns], cosines.max(axis=0))
            if cosines.max(initial=-1) < lowest:
                continue
            found = np.argwhere(cosines >= lowest)
            if other == start:
                found = found[found[:, 0] < found[:, 1]]
            values = cosines[found[:, 0], found[:, 1]]
            pairs = np.concatenate([pairs, np.column_stack([found[:, 0] + start, found[:, 1] + other, values])])
            if len(pairs) > KEPT_PAIRS:
                pairs = _best(pairs, top)
                lowest = max(lowest, pairs[-1, 2])
        if report is not None:
            report(min(start + BLOCK_ROWS, len(unit)), len(unit))
    return Neighbours([(int(a), int(b), float(cosine)) for a, b, cosine in _best(pairs, top)], nearest)


def _best(pairs: np.ndarray, top: int) -> np.ndarray:
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0], -pairs[:, 2]))[:top]]

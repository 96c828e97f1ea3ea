"""Cosine similarity of one embedding with all others: exact, in blocks that fit into the processor's cache."""

import numpy as np

BLOCK_BYTES = 2**20  # two passes over a block, of which the second reads the cache


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

"""Where chunks are cut from a track: at starts from a stateless hash for training, at fixed ones for evaluation.

A random start depends only on (seed, epoch, track_index, k), so every reader gets the same chunks with any number of
workers and threads. `tf_data.graph_crops` computes the same numbers on TensorFlow's graph.
"""

import numpy as np

GOLDEN, MIX_1, MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
# the first word of every hash says what is drawn, so that no two uses share their numbers
CROP, SHARD, SHUFFLE, ORDER, MIXUP, DEFORM, ALTER = range(7)
_MASK = 2**64 - 1


def stateless_hash(*words: int | np.ndarray) -> np.ndarray:
    """Mixes integers into a pseudorandom number: the same words give the same number on every machine.

    Args:
        words: Integers, or integer arrays that broadcast; negative ones count as their two's complement.

    Returns:
        Uint64, of the broadcast shape.

    Source:
        The finaliser of splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014),
        once for each word.

    Example:
        >>> int(stateless_hash(0))  # splitmix64's first output for the seed 0
        16294208416658607535
    """
    state = np.zeros((), np.uint64)
    with np.errstate(over="ignore"):  # the arithmetic is modulo 2**64
        for word in words:
            state = (state ^ _unsigned(word)) + np.uint64(GOLDEN)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(MIX_1)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(MIX_2)
            state = state ^ (state >> np.uint64(31))
    return state


def _unsigned(word: int | np.ndarray) -> np.ndarray:
    return np.uint64(word & _MASK) if isinstance(word, int) else np.asarray(word).astype(np.uint64)


def random_starts(
    num_samples: int | np.ndarray,
    chunk_samples: int,
    *,
    seed: int,
    epoch: int,
    track_index: int | np.ndarray,
    k: int | np.ndarray,
) -> np.ndarray:
    """Random starts of chunks, uniform over all positions where the chunk fits into the track.

    Args:
        num_samples: Length of the track, in samples (or frames: any unit).
        chunk_samples: Length of the chunk, in the same unit.
        seed: Seed of the training run.
        epoch: From 0.
        track_index: Position of the track in the dataset.
        k: Which of the track's chunks, from 0.

    Returns:
        Int64, of the broadcast shape, from 0 to `num_samples - chunk_samples`; 0 if the track is shorter.

    Example:
        >>> starts = random_starts(480000, 59049, seed=0, epoch=3, track_index=7, k=np.arange(4))
        >>> starts.shape, bool((starts <= 480000 - 59049).all())
        ((4,), True)
    """
    room = np.maximum(np.asarray(num_samples, np.int64) - chunk_samples, 0) + 1
    # the remainder favours small numbers by less than 1 in 10**12, even for tracks of a day: not measurable
    return (stateless_hash(CROP, seed, epoch, track_index, k) % room.astype(np.uint64)).astype(np.int64)


def spread_starts(num_samples: int, chunk_samples: int, count: int = 16) -> np.ndarray:
    """Starts of the chunks of the 2020 evaluation: `i * hop`, with `hop = (num_samples - chunk_samples) // count`.

    The last hop of the track is never used: that is how the published scores were computed.

    Args:
        num_samples: Length of the track.
        chunk_samples: Length of a chunk.
        count: Number of chunks.

    Returns:
        Int64 (count,); all 0 if the track is no longer than a chunk.

    Source:
        Won et al., "Evaluation of CNN-based automatic music tagging models", SMC 2020: `eval.py` of their code.

    Example:
        >>> spread_starts(100, 20, count=4).tolist()
        [0, 20, 40, 60]
    """
    if count < 1:
        raise ValueError(f"`count` must be 1 or more chunks per track. Received: {count}.")
    return np.arange(count, dtype=np.int64) * (max(num_samples - chunk_samples, 0) // count)


def cover_starts(num_samples: int, chunk_samples: int, hop_samples: int) -> np.ndarray:
    """Starts of chunks that cover the whole track: one per hop, and one that ends where the track ends.

    These are the chunks of `audio.cut` with `tail="anchor"` and no context, which a `Tagger` uses.

    Args:
        num_samples: Length of the track.
        chunk_samples: Length of a chunk.
        hop_samples: From one start to the next.

    Returns:
        Int64 (chunks,), at least one.

    Example:
        >>> cover_starts(100, 30, hop_samples=30).tolist()
        [0, 30, 60, 70]
    """
    if hop_samples < 1:
        raise ValueError(f"`hop_samples` must be 1 or more. Received: {hop_samples}.")
    last = max(num_samples - chunk_samples, 0)
    starts = np.arange(0, last + 1, hop_samples, dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)


def cut_at(samples: np.ndarray, starts: np.ndarray, chunk_samples: int) -> np.ndarray:
    """Cuts chunks from a track, with zeros after its end.

    Args:
        samples: (samples, ...), any type.
        starts: Int (chunks,).
        chunk_samples: Length of a chunk.

    Returns:
        (chunks, chunk_samples, ...), a copy, of the same type.

    Example:
        >>> cut_at(np.array([1, 2, 3]), np.array([0, 1]), 4).tolist()
        [[1, 2, 3, 0], [2, 3, 0, 0]]
    """
    chunks = np.zeros((len(starts), chunk_samples, *samples.shape[1:]), samples.dtype)
    for chunk, start in zip(chunks, starts, strict=True):
        piece = samples[start : start + chunk_samples]
        chunk[: len(piece)] = piece
    return chunks

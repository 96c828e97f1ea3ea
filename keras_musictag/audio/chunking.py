"""A track -> the fixed-length chunks that a model hears."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from keras_musictag.choices import TAILS
from keras_musictag.errors import UnknownNameError


@dataclass(frozen=True)
class Chunking:
    """How a model hears a track. Part of a weight's identity: never change a released one.

    The track gets `context_samples` zeros at both ends; then chunks of `chunk_samples` are cut every
    `hop_samples`. Context is what an uncentred STFT needs to give the frames of the whole track's centred
    STFT: the first frame is centred on the first sample, and between two chunks the context is real audio.
    """

    sample_rate_hz: int = 16000
    chunk_samples: int = 48000
    hop_samples: int = 48000
    context_samples: int = 0

    def __post_init__(self):
        for name in ("sample_rate_hz", "chunk_samples", "hop_samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more. Received: {getattr(self, name)}.")
        if not 0 <= 2 * self.context_samples < self.chunk_samples:
            raise ValueError(
                "`context_samples` must be from 0 to less than half of `chunk_samples`. Received: "
                f"context_samples={self.context_samples}, chunk_samples={self.chunk_samples}."
            )

    def span_seconds(self, start: int, track_samples: int) -> tuple[float, float]:
        """The part of the track that the chunk at `start` hears, in seconds, without the zeros around it."""
        begin = start - self.context_samples
        end = min(begin + self.chunk_samples, track_samples)
        return max(begin, 0) / self.sample_rate_hz, end / self.sample_rate_hz


def cut(blocks: Iterable[np.ndarray], chunking: Chunking, tail: str = "anchor") -> Iterator[tuple[int, np.ndarray]]:
    """Cuts a stream of samples into chunks, holding no more than a chunk and a block at a time.

    Args:
        blocks: Float32 arrays (samples,) of any lengths: the track, in order.
        chunking: A `Chunking`.
        tail: What becomes of the samples after the last whole hop: "anchor" adds a chunk that ends where the
            track ends (every sample heard, none of it silence that is not there), "pad" a chunk filled up with
            zeros, "drop" none (as the original implementations did). A track shorter than one chunk is
            always one chunk, filled up with zeros.

    Yields:
        `(start, samples)`: where the chunk starts in the padded track (`Chunking.span_seconds` turns it into
        seconds), and float32 (chunk_samples,).

    Example:
        >>> chunking = Chunking(chunk_samples=4, hop_samples=4)
        >>> [(start, x.tolist()) for start, x in cut([np.arange(6.0)], chunking)]
        [(0, [0.0, 1.0, 2.0, 3.0]), (2, [2.0, 3.0, 4.0, 5.0])]
    """
    if tail not in TAILS:
        raise UnknownNameError.of("tail", tail, TAILS)
    size, hop = chunking.chunk_samples, chunking.hop_samples
    zeros = np.zeros(chunking.context_samples, np.float32)
    held, held_start = np.zeros(0, np.float32), 0  # the padded track from `held_start` on
    start = 0  # of the next chunk
    for block in _surround(blocks, zeros):
        held = np.concatenate([held, block]) if len(held) else block
        while start + size <= held_start + len(held):
            yield start, held[start - held_start :][:size]
            start += hop
        # keep what the next chunk or an anchored last one may still need
        unneeded = min(start - held_start, len(held) - size)
        if unneeded > 0:
            held, held_start = held[unneeded:].copy(), held_start + unneeded
    end = held_start + len(held)
    unheard = start - hop + size < end - chunking.context_samples  # the context at the end holds no music
    if start == 0:  # shorter than one chunk
        yield 0, _fill(held, size)
    elif unheard and tail == "anchor":
        yield end - size, held[-size:]
    elif unheard and tail == "pad" and start < end - chunking.context_samples:
        yield start, _fill(held[start - held_start :], size)


def _surround(blocks: Iterable[np.ndarray], ends: np.ndarray) -> Iterator[np.ndarray]:
    yield ends
    yield from blocks
    yield ends


def _fill(samples: np.ndarray, size: int) -> np.ndarray:
    return np.pad(samples, (0, size - len(samples))).astype(np.float32, copy=False)

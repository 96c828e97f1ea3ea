"""Cuts a track into the fixed-length chunks that a model takes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from keras_musictag.choices import TAILS
from keras_musictag.errors import UnknownNameError


@dataclass(frozen=True)
class Chunking:
    """How a track is cut for a model. Part of a weight's identity: never change a released one.

    `context_samples` zeros are added at both ends of the track. Then a chunk of `chunk_samples` is cut every
    `hop_samples`. With this context, an uncentred STFT of the chunks gives the frames of a centred STFT of the whole
    track: the first frame is centred on the first sample, and between two chunks the context is real audio.

    Example:
        >>> chunking = Chunking(sample_rate_hz=16000, chunk_samples=48000, hop_samples=24000)
        >>> chunking.span_seconds(24000, track_samples=160000)
        (1.5, 4.5)
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
        """Returns where the chunk at `start` begins and ends in the track, in seconds, without the added zeros."""
        begin = start - self.context_samples
        end = min(begin + self.chunk_samples, track_samples)
        return max(begin, 0) / self.sample_rate_hz, end / self.sample_rate_hz

    def note_if_short(self, track_samples: int) -> str | None:
        """Returns a sentence for a listener if a track is shorter than a chunk; else None."""
        needed = self.chunk_samples - 2 * self.context_samples
        if track_samples >= needed:
            return None
        return (
            f"The track is {track_samples / self.sample_rate_hz:.2f} s long, shorter than the model's chunk of "
            f"{needed / self.sample_rate_hz:.2f} s. It was padded with silence."
        )


def cut(blocks: Iterable[np.ndarray], chunking: Chunking, tail: str = "anchor") -> Iterator[tuple[int, np.ndarray]]:
    """Cuts a stream of samples into chunks. It holds at most one chunk and one block at a time.

    Args:
        blocks: Float32 arrays (samples,) of any length: the track, in order.
        chunking: A `Chunking`.
        tail: What happens to the samples after the last whole chunk. "anchor" adds a chunk that ends where the track
            ends, so that every sample is used and no silence is added. "pad" adds a chunk filled up with zeros.
            "drop" adds nothing, as in the original implementations. A track shorter than one chunk always gives one
            chunk, filled up with zeros.

    Yields:
        `(start, samples)`: where the chunk starts in the padded track (`Chunking.span_seconds` turns it into
        seconds), and float32 (chunk_samples,).

    Raises:
        UnknownNameError: If `tail` is not one of the three.

    Example:
        >>> chunking = Chunking(chunk_samples=4, hop_samples=4)
        >>> [(start, x.tolist()) for start, x in cut([np.arange(6.0)], chunking)]
        [(0, [0.0, 1.0, 2.0, 3.0]), (2, [2.0, 3.0, 4.0, 5.0])]
    """
    if tail not in TAILS:
        raise UnknownNameError.of("tail", tail, TAILS)
    size, hop = chunking.chunk_samples, chunking.hop_samples
    zeros = np.zeros(chunking.context_samples, np.float32)
    held, held_start = np.zeros(0, np.float32), 0  # the padded track, starting at `held_start`
    start = 0  # of the next chunk
    for block in _surround(blocks, zeros):
        held = np.concatenate([held, block]) if len(held) else block
        while start + size <= held_start + len(held):
            yield start, held[start - held_start :][:size]
            start += hop
        # keep what the next chunk, or an anchored last chunk, may still need
        unneeded = min(start - held_start, len(held) - size)
        if unneeded > 0:
            held, held_start = held[unneeded:].copy(), held_start + unneeded
    end = held_start + len(held)
    uncovered = start - hop + size < end - chunking.context_samples  # the context at the end holds no music
    if start == 0:  # shorter than one chunk
        yield 0, _pad(held, size)
    elif uncovered and tail == "anchor":
        yield end - size, held[-size:]
    elif uncovered and tail == "pad" and start < end - chunking.context_samples:
        yield start, _pad(held[start - held_start :], size)


def _surround(blocks: Iterable[np.ndarray], ends: np.ndarray) -> Iterator[np.ndarray]:
    yield ends
    yield from blocks
    yield ends


def _pad(samples: np.ndarray, size: int) -> np.ndarray:
    return np.pad(samples, (0, size - len(samples))).astype(np.float32, copy=False)

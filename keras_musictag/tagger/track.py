"""A track -> batches of chunks -> outputs, in bounded memory. Used by everything that runs a network."""

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from numbers import Real
from os import PathLike, fspath
from pathlib import Path
from typing import BinaryIO

import numpy as np

from keras_musictag.audio.chunking import Chunking, cut
from keras_musictag.audio.reading import decode_with
from keras_musictag.audio.resampling import resample
from keras_musictag.audio.samples import mono_and_notes
from keras_musictag.errors import AudioError, printable
from keras_musictag.tagger.results import TrackFacts

BATCH_SECONDS = 24.0  # of audio, but at least one chunk; more is not faster on a CPU and takes more memory

RunBatch = Callable[[np.ndarray], np.ndarray]


def run_track(
    run: RunBatch,
    chunking: Chunking,
    audio: str | PathLike | BinaryIO | np.ndarray,
    sample_rate: int | None = None,
    hop_seconds: float | None = None,
    tail: str = "anchor",
) -> tuple[np.ndarray, np.ndarray, TrackFacts]:
    """Runs a network over a track.

    Args:
        run: Function from float32 (chunks, chunk_samples) to (chunks, ...).
        chunking: How a track is cut into chunks.
        audio: A path, a binary file, or an array `(samples,)` or `(channels, samples)`.
        sample_rate: Sample rate of an array, in Hz; a file states its own.
        hop_seconds: Seconds from one chunk to the next; None for the chunking's own hop.
        tail: See `audio.chunking.cut`.

    Returns:
        `(outputs, spans, facts)`: (chunks, ...), float64 (chunks, 2) of start and end seconds, and a `TrackFacts`.

    Raises:
        AudioError: If the audio cannot be used.
        FileNotFoundError: If the file does not exist.
        TypeError: If the audio is none of the three, such as a list of paths, or `hop_seconds` is not a number.
        ValueError: If `sample_rate` is missing for an array or given for a file, or `hop_seconds` is not positive.
    """
    chunking = with_hop(chunking, hop_seconds)
    if isinstance(audio, (str, PathLike)) or hasattr(audio, "read"):
        if sample_rate is not None:
            raise ValueError(
                f"`sample_rate` is for arrays; a file states its own. Received: sample_rate={sample_rate} with a file. "
                "Omit it."
            )
        (outputs, starts, samples), stream = decode_with(
            lambda stream: _run_chunks(run, stream, chunking, tail), audio, chunking.sample_rate_hz
        )
        facts = TrackFacts(_name(audio), stream.duration_seconds, stream.bad_packets, tuple(stream.notes))
    else:
        waveform, notes = mono_and_notes(audio, sample_rate)
        facts = TrackFacts(duration_seconds=len(waveform) / sample_rate, notes=notes)
        waveform = resample(waveform, sample_rate, chunking.sample_rate_hz)
        outputs, starts, samples = _run_chunks(run, [waveform], chunking, tail)
    spans = np.array([chunking.span_seconds(start, samples) for start in starts])
    return outputs, spans, _add_note_if_short(facts, samples, chunking)


def warn_of_notes(result: tuple[np.ndarray, np.ndarray, TrackFacts]) -> np.ndarray:
    """Returns the outputs of `run_track`, and issues the notes as warnings to the caller of a method like `embed`."""
    outputs, _, facts = result
    for note in facts.notes:
        warnings.warn(f"{facts.name}: {note}" if facts.name else note, stacklevel=3)
    return outputs


def with_hop(chunking: Chunking, hop_seconds: float | None) -> Chunking:
    """The same chunking with another hop, in seconds; None for its own.

    Raises:
        TypeError: If `hop_seconds` is not a number.
        ValueError: If it is not positive and finite.
    """
    if hop_seconds is None:
        return chunking
    return replace(chunking, hop_samples=_hop_samples(hop_seconds, chunking.sample_rate_hz))


def _hop_samples(hop_seconds: float, sample_rate_hz: int) -> int:
    if not isinstance(hop_seconds, Real) or isinstance(hop_seconds, bool):
        raise TypeError(f"`hop_seconds` must be a number of seconds, such as 1.0. Received: {hop_seconds!r}.")
    hop_samples = hop_seconds * sample_rate_hz
    if not 0.5 < hop_samples < math.inf:  # 0.5 rounds to 0
        raise ValueError(f"`hop_seconds` must be finite and at least one sample long. Received: {hop_seconds}.")
    return round(hop_samples)


def _run_chunks(run, blocks, chunking, tail):
    blocks = _SampleCounter(blocks)
    batch_chunks = max(1, round(BATCH_SECONDS * chunking.sample_rate_hz / chunking.chunk_samples))
    outputs, starts, batch = [], [], []
    for start, chunk in cut(blocks, chunking, tail):
        starts.append(start)
        batch.append(chunk)
        if len(batch) == batch_chunks:
            outputs.append(run(np.stack(batch)))
            batch.clear()
    if batch:
        outputs.append(run(np.stack(batch)))
    if blocks.samples == 0:
        raise AudioError("The audio has no samples at the model's sample rate: it is too short to tag.")
    return np.concatenate(outputs), starts, blocks.samples


class _SampleCounter:
    """Iterates over blocks and counts their samples."""

    def __init__(self, blocks):
        self.blocks = blocks
        self.samples = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        for block in self.blocks:
            self.samples += len(block)
            yield block


def _name(audio) -> str:
    path = fspath(audio) if isinstance(audio, (str, PathLike)) else getattr(audio, "name", "")
    return printable(Path(path).name) if isinstance(path, str) else ""


def _add_note_if_short(facts: TrackFacts, samples: int, chunking: Chunking) -> TrackFacts:
    note = chunking.note_if_short(samples)
    return facts if note is None else replace(facts, notes=(*facts.notes, note))

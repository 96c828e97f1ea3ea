"""Reads any music file as mono float32, whole or block by block.

`notes` say what a listener should know about a file: see `audio.stream`.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import BinaryIO, TypeVar

import numpy as np

from keras_musictag.audio.resampling import check_rate_hz
from keras_musictag.audio.source import open_file
from keras_musictag.audio.stream import AudioStream

T = TypeVar("T")
DEFAULT_MAX_SECONDS = 24 * 3600.0


@dataclass(frozen=True, eq=False)
class Audio:
    """A decoded file.

    Attributes:
        samples: Float32 (samples,), mono.
        sample_rate_hz: Sample rate of `samples`, Hz.
        source_rate_hz: Sample rate of the file, Hz.
        channels: Channels of the file, before the downmix.
        codec: FFmpeg's name of the codec, such as "mp3".
        header_seconds: Duration that the header of the file states, in seconds; None if it states none.
        duration_seconds: Duration that was decoded, in seconds, at the file's own sample rate.
        bad_packets: How many packets were damaged.
        notes: Sentences that a listener should know; empty if all is well.

    Example:
        >>> from keras_musictag import demo_clip
        >>> audio = read(demo_clip())
        >>> audio.codec, audio.channels, audio.sample_rate_hz, audio.notes
        ('mp3', 1, 16000, ())
    """

    samples: np.ndarray = field(repr=False)
    sample_rate_hz: int
    source_rate_hz: int
    channels: int
    codec: str
    header_seconds: float | None
    duration_seconds: float
    bad_packets: int
    notes: tuple[str, ...]


def read(
    source: str | os.PathLike | BinaryIO, sample_rate_hz: int | None = None, max_seconds: float = DEFAULT_MAX_SECONDS
) -> Audio:
    """Decodes a whole file into memory. For long files see `open_audio`, which yields blocks.

    Args:
        source: Path or binary file object. A file object that can seek is read from its start. Otherwise, as with a
            pipe, the rest of it is first copied to a temporary file, 2 GiB at most.
        sample_rate_hz: Wanted sample rate, Hz; None keeps that of the file.
        max_seconds: A file that lasts longer than this, in seconds, is refused while decoding. The duration that its
            header states does not count.

    Returns:
        An `Audio`.

    Raises:
        FileNotFoundError: If there is no such file.
        AudioError: If it cannot be used as audio; the message says why.
        TypeError: If `source` is neither a path nor a binary file object.
        ValueError: If `sample_rate_hz` is not between 1 kHz and 768 kHz, or `max_seconds` is not positive.

    Example:
        >>> import io, wave
        >>> file = io.BytesIO()
        >>> with wave.open(file, "wb") as wav:
        ...     wav.setparams((2, 2, 44100, 0, "NONE", ""))
        ...     wav.writeframes(bytes(4 * 44100))
        >>> audio = read(file, sample_rate_hz=16000)
        >>> audio.samples.shape, audio.duration_seconds, audio.channels
        ((16000,), 1.0, 2)
    """
    samples, stream = decode_with(lambda stream: np.concatenate(list(stream)), source, sample_rate_hz, max_seconds)
    facts = {name: getattr(stream, name) for name in Audio.__dataclass_fields__ if name != "samples"}
    return Audio(samples=samples, **facts)


def decode_with(
    consume: Callable[[AudioStream], T],
    source: str | os.PathLike | BinaryIO,
    sample_rate_hz: int | None = None,
    max_seconds: float = DEFAULT_MAX_SECONDS,
) -> tuple[T, AudioStream]:
    """Decodes a whole file, and decodes it again if its channels turn out to cancel each other in the mix.

    Args:
        consume: Function that takes a stream and reads it to its end. If the channels cancel each other, it is called
            again with a stream of the loudest channel, and the first result is discarded.
        source, sample_rate_hz, max_seconds: See `read`.

    Returns:
        `(result, stream)`: what `consume` returned, and the stream, which is closed.

    Raises:
        The errors of `read`.
    """
    with ExitStack() as stack:
        source, _ = open_file(source, stack)  # here, because a pipe cannot be opened twice
        with open_audio(source, sample_rate_hz, max_seconds) as stream:
            result = consume(stream)
        if stream.loudest is None:
            return result, stream
        with open_audio(source, sample_rate_hz, max_seconds, channel=stream.loudest) as alone:
            result = consume(alone)
        alone.notes += (stream.levels.used_alone(),)
        return result, alone


def open_audio(
    source: str | os.PathLike | BinaryIO,
    sample_rate_hz: int | None = None,
    max_seconds: float = DEFAULT_MAX_SECONDS,
    channel: int | None = None,
) -> AudioStream:
    """Opens a file for decoding block by block, in bounded memory.

    Arguments and errors are those of `read`; an error that shows only later in the file is raised during the iteration.
    `channel` is the index of a single channel to use; None mixes all channels (`audio.downmix` says how). Only at the
    end is it known whether the channels cancel each other in the mix: then `loudest` and a note say so.

    Returns:
        An `AudioStream`: a context manager, and an iterator of float32 (samples,) blocks.

    Example:
        >>> import io, wave
        >>> file = io.BytesIO()
        >>> with wave.open(file, "wb") as wav:
        ...     wav.setparams((1, 2, 8000, 0, "NONE", ""))
        ...     wav.writeframes(bytes(2 * 20000))
        >>> with open_audio(file) as stream:
        ...     sum(len(block) for block in stream), stream.sample_rate_hz
        (20000, 8000)
    """
    if sample_rate_hz is not None:
        check_rate_hz(sample_rate_hz, "`sample_rate_hz`")
    if not max_seconds > 0:
        raise ValueError(f"`max_seconds` must be positive. Received: {max_seconds}.")
    return AudioStream(source, sample_rate_hz, max_seconds, channel)

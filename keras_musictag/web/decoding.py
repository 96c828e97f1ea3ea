"""Decoding of files that may be hostile, in processes of their own: one that hangs or crashes is ended and replaced.

A request is a dataclass with a method `answer`, which runs in a worker process and yields messages. This file loads
PyAV and NumPy, and nothing else that is large, because each process loads it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np

from keras_musictag.audio.chunking import Chunking, cut
from keras_musictag.audio.reading import decode_with, open_audio
from keras_musictag.audio.source import SeekableFile
from keras_musictag.audio.stream import AudioStream
from keras_musictag.errors import AudioError, MusicTagError
from keras_musictag.library.decoding_workers import Channel, DecodingWorker, Failed, answer_requests
from keras_musictag.library.network_batches import batch_chunks

LABEL = "The file"  # in messages: clients do not learn where a file is
MAX_WORKER_BYTES = 2**31  # of a worker's data: a decoder needs 100 MB
END = "end"  # the last message of an answer

try:
    import resource
except ImportError:  # Windows
    resource = None


@dataclass(frozen=True)
class AudioFacts:
    """What a file is, by its content.

    Attributes:
        container: FFmpeg's name of the container, such as "mp3".
        codec: FFmpeg's name of the codec.
        sample_rate_hz: Sample rate, Hz.
        channels: Number of channels.
        seconds: Duration that the file states, or a guess from its bit rate, in seconds; None if there is neither.
    """

    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    seconds: float | None

    @classmethod
    def of(cls, stream: AudioStream) -> "AudioFacts":
        return cls(stream.container_name, stream.codec, stream.source_rate_hz, stream.channels, stream.guessed_seconds)


@dataclass(frozen=True)
class Probe:
    """Asks what a file is. The answer is its `AudioFacts`, after its first second was decoded."""

    path: str

    def answer(self, channel: Channel) -> Iterator[AudioFacts]:
        with open(self.path, "rb") as file, open_audio(SeekableFile(file, LABEL)) as stream:
            next(stream, None)
            yield AudioFacts.of(stream)


@dataclass(frozen=True)
class Chunks:
    """Chunks of a track.

    Attributes:
        samples: Float32 (chunks, chunk_samples).
        spans: Float64 (chunks, 2), where each begins and ends, in seconds.
    """

    samples: np.ndarray = field(repr=False)
    spans: np.ndarray


@dataclass(frozen=True)
class Restarted:
    """All chunks so far are void: the channels cancel each other, and one of them is decoded alone."""


@dataclass(frozen=True)
class Decoded:
    """The end of a track's chunks: its decoded duration in seconds, damaged packets, and sentences for a listener."""

    seconds: float
    bad_packets: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Cut:
    """Asks for the chunks of a track: `AudioFacts`, then `Chunks`, each a batch, and at the end `Decoded`.

    Attributes:
        path: The file.
        chunking: How to cut it.
        tail: See `audio.cut`.
        max_seconds: A longer track is refused.
    """

    path: str
    chunking: Chunking
    tail: str
    max_seconds: float

    def answer(self, channel: Channel) -> Iterator[Any]:
        streams = []

        def send(stream: AudioStream) -> int:
            channel.send(Restarted() if streams else AudioFacts.of(stream))
            streams.append(stream)
            blocks = _Blocks(stream, channel, self.max_seconds)
            for chunks in self._batches(blocks):
                channel.send(chunks)
            return blocks.samples

        with open(self.path, "rb") as file:
            samples, stream = decode_with(send, SeekableFile(file, LABEL), self.chunking.sample_rate_hz)
        if not samples:
            raise AudioError(f"{LABEL} has no samples at the model's sample rate: it is too short to tag.")
        notes = (*stream.notes, self.chunking.note_if_short(samples))
        yield Decoded(stream.duration_seconds, stream.bad_packets, tuple(note for note in notes if note))

    def _batches(self, blocks: "_Blocks") -> Iterator[Chunks]:
        batch, spans = [], []
        for start, chunk in cut(blocks, self.chunking, self.tail):
            batch.append(chunk)
            # what was counted reaches the end of this chunk, or is the whole track
            spans.append(self.chunking.span_seconds(start, blocks.samples))
            if len(batch) == batch_chunks(self.chunking):
                yield Chunks(np.stack(batch), np.array(spans))
                batch, spans = [], []
        if batch and blocks.samples:
            yield Chunks(np.stack(batch), np.array(spans))


class _Blocks:
    """The blocks of a stream: counts their samples, says that there is progress, and refuses a track that is too long.

    The limit is checked here, because the message of `open_audio` is for its callers, not for clients.
    """

    def __init__(self, stream: AudioStream, channel: Channel, max_seconds: float):
        self._stream, self._channel, self._max_seconds, self.samples = stream, channel, max_seconds, 0

    def __iter__(self) -> Iterator[np.ndarray]:
        for block in self._stream:
            self.samples += len(block)
            if self.samples > self._max_seconds * self._stream.sample_rate_hz:
                raise AudioError(
                    f"{LABEL} lasts longer than {self._max_seconds / 60:g} minutes, the limit of this server. Send a "
                    "shorter one."
                )
            self._channel.beat()
            yield block


@dataclass(frozen=True)
class Outline:
    """What a whole track looks like.

    Attributes:
        seconds: Its decoded duration, in seconds.
        peaks: Float32 (points, 2), the lowest and highest sample of each of many equal parts.
        notes: Sentences for a listener.
    """

    seconds: float
    peaks: np.ndarray = field(repr=False)
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Peaks:
    """Asks for the `Outline` of a track.

    Attributes:
        path: The file.
        max_seconds: A longer track is refused.
        max_points: About the most points of the answer. It has at least half as many if the track is long enough.
    """

    path: str
    max_seconds: float
    max_points: int = 16384

    def answer(self, channel: Channel) -> Iterator[Outline]:
        with open(self.path, "rb") as file:
            peaks, stream = decode_with(
                lambda stream: self._peaks(_Blocks(stream, channel, self.max_seconds)), SeekableFile(file, LABEL)
            )
        yield Outline(stream.duration_seconds, peaks, stream.notes)

    def _peaks(self, blocks: Iterable[np.ndarray]) -> np.ndarray:
        """The lowest and highest sample of each of many equal parts, float32 (points, 2)."""
        points, size, rest = np.zeros((0, 2), np.float32), 64, np.zeros(0, np.float32)
        for block in blocks:
            rest = np.concatenate([rest, block])
            whole = len(rest) // size * size
            points = np.concatenate([points, lows_and_highs(rest[:whole].reshape(-1, size))])
            rest = rest[whole:]
            while len(points) > self.max_points and len(points) % 2 == 0:  # halve the resolution
                points, size = lows_and_highs(points.reshape(-1, 4)), 2 * size
        return np.concatenate([points, lows_and_highs(rest[None])]) if len(rest) else points


def lows_and_highs(rows: np.ndarray) -> np.ndarray:
    """The lowest and highest number of each row, float32 (rows, 2).

    Example:
        >>> lows_and_highs(np.array([[0.5, -0.25, 0.0]])).tolist()
        [[-0.25, 0.5]]
    """
    return np.stack([rows.min(axis=1), rows.max(axis=1)], axis=1).astype(np.float32)


PREVIEW_RATE_HZ = 44100
PREVIEW_KBIT = 128


@dataclass(frozen=True)
class Preview:
    """Asks for a copy of a track as MP3, mono, in a new file. The answer is empty.

    Attributes:
        path: The file.
        target: The file to write; it grows while the copy is made.
        max_seconds: A longer track is refused.
    """

    path: str
    target: str
    max_seconds: float

    def answer(self, channel: Channel) -> Iterator[None]:
        with open(self.path, "rb") as file:
            decode_with(
                lambda stream: self._write(_Blocks(stream, channel, self.max_seconds)),
                SeekableFile(file, LABEL),
                PREVIEW_RATE_HZ,
            )
        yield from ()

    def _write(self, blocks: Iterable[np.ndarray]) -> None:
        with open(self.target, "wb") as target, av.open(target, "w", format="mp3") as container:
            stream = container.add_stream(
                "libmp3lame", rate=PREVIEW_RATE_HZ, layout="mono", bit_rate=1000 * PREVIEW_KBIT
            )
            for block in blocks:
                pcm = np.rint(block.clip(-1, 1) * 32767).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(pcm[np.newaxis], format="s16p", layout="mono")
                frame.sample_rate = PREVIEW_RATE_HZ
                container.mux(stream.encode(frame))
                target.flush()
            container.mux(stream.encode(None))


def work(connection) -> None:
    """What a worker process runs, until its parent closes the connection."""
    if resource is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = MAX_WORKER_BYTES if hard == resource.RLIM_INFINITY else min(MAX_WORKER_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    answer_requests(connection, _answer, _failure)


def _answer(request, channel: Channel) -> None:
    for message in request.answer(channel):
        channel.send(message)
    channel.send(END)


def _failure(error: Exception) -> Failed:
    """An error as a sentence, without a path."""
    if isinstance(error, FileNotFoundError):
        return Failed("The file no longer exists.")
    if isinstance(error, MemoryError):
        return Failed("The file takes too much memory to decode. Convert it to FLAC or MP3.")
    if isinstance(error, OSError):
        return Failed(f"The file cannot be read ({error.strerror or type(error).__name__}).")
    text = " ".join(str(error).split())
    return Failed(text if isinstance(error, MusicTagError) else f"{LABEL} cannot be decoded ({type(error).__name__}).")


class DecoderLostError(MusicTagError):
    """A process that decodes was killed from outside, which is not the fault of a file."""


class Decoders:
    """The decoding processes of a server. They are started when they are needed.

    Args:
        most: How many run at the same time at most; further requests wait.
        kept: How many are kept while they have nothing to do.
        stall_seconds: How long one may make no progress before it is ended.
    """

    def __init__(self, most: int, kept: int, stall_seconds: float):
        self._places, self._kept, self._stall_seconds = asyncio.Semaphore(most), kept, stall_seconds
        # with the half that long tracks may take, one is left for short ones
        self._places_aside = asyncio.Semaphore(max(1, most // 2 - 1))
        self._idle: list[DecodingWorker] = []
        self._busy: set[DecodingWorker] = set()
        self._threads = ThreadPoolExecutor(2 * most, "decoder")  # each waits for one process, or ends one
        self._closed = False

    async def answers(self, request, aside: bool = False) -> AsyncIterator[Any]:
        """Yields the messages of the answer to a request. If the iteration is left early, its process is ended.

        Args:
            request: The request.
            aside: Whether it may decode a whole track, and tags do not wait for it: less than half of the processes
                do such work at the same time.

        Raises:
            AudioError: If the file cannot be used.
            DecoderLostError: If the process was killed, for example because memory ran out.
            MusicTagError: If a process cannot start.
        """
        async with self._places_aside if aside else nullcontext(), self._places:
            worker = self._take_idle() or await self._start()
            self._busy.add(worker)
            is_idle = False
            try:
                await self._run(worker.send, request)
                while (message := await self._run(worker.receive)) != END:
                    if isinstance(message, Failed):
                        is_idle = True
                        if message.again:
                            raise DecoderLostError("The decoder was killed, perhaps because memory ran out. Try again.")
                        raise AudioError(message.reason)
                    yield message
                is_idle = True
            finally:
                self._busy.discard(worker)
                if is_idle and not self._closed and len(self._idle) < self._kept:
                    self._idle.append(worker)
                else:
                    self._threads.submit(worker.stop)

    def _take_idle(self) -> DecodingWorker | None:
        while self._idle:
            worker = self._idle.pop()
            if worker.process.is_alive():
                return worker
            self._threads.submit(worker.stop)  # it was killed while it waited
        return None

    async def _start(self) -> DecodingWorker:
        starting = self._threads.submit(DecodingWorker, self._stall_seconds, work)
        try:
            return await asyncio.wrap_future(starting)
        except asyncio.CancelledError:  # nobody waits for it any more
            starting.add_done_callback(lambda done: None if done.cancelled() else done.result().stop())
            raise

    async def answer(self, request, aside: bool = False) -> Any:
        """The last message of an answer; None if there is none. Arguments and errors as in `answers`."""
        last = None
        async with aclosing(self.answers(request, aside)) as messages:
            async for message in messages:
                last = message
        return last

    def _run(self, function, *arguments) -> asyncio.Future:
        return asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    def close(self) -> None:
        """Ends all processes."""
        self._closed = True
        for worker in [*self._idle, *self._busy]:
            worker.stop()
        self._threads.shutdown(wait=False)

"""Processes that decode music: one that hangs or crashes on a file is replaced, and only that file is lost.

A conversation about a file: the parent sends its path, the worker answers with `Identified`; the parent sends the
chunkings that it needs, none if it knows the audio; the worker sends chunks as bytes, then `Decoded`. Instead of any
answer it may send `Failed`. A worker loads PyAV, NumPy and soxr, and nothing else that is large.
"""

import itertools
import os
import pickle
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_musictag.audio.chunking import Chunking, cut
from keras_musictag.audio.reading import decode_with
from keras_musictag.audio.source import SeekableFile
from keras_musictag.errors import AudioError, MusicTagError
from keras_musictag.library.audio_hash import LABEL, MusicFile, identify, reported
from keras_musictag.library.database import Labels
from keras_musictag.library.music_files import storable_ns
from keras_musictag.processes import SPAWN, begin_worker, ctrl_c_held

BEAT_SECONDS = 1.0  # how often a worker that has nothing to send says that it makes progress
KILLED = -9  # the exit code of a process that another one, or a system without memory, has killed with SIGKILL
READY = "ready"  # the first message of a process
_BEAT, _CHUNK, _MESSAGE = 0, 1, 2  # the first byte of what a worker sends


@dataclass(frozen=True)
class Identified:
    """What a file is: size and modification time when it was opened, the hash of its audio, and what its tags say."""

    size_bytes: int
    mtime_ns: int
    audio_sha256: bytes
    labels: Labels


@dataclass(frozen=True)
class Chunk:
    """Samples of one of the chunkings, float32 (chunk_samples,)."""

    chunking: int
    samples: np.ndarray


@dataclass(frozen=True)
class Restarted:
    """What was sent for these chunkings is void: the channels cancel each other, and one of them is decoded alone."""

    chunkings: tuple[int, ...]


@dataclass(frozen=True)
class Decoded:
    """The end of a file's chunks: the decoded duration in seconds, and sentences for a listener."""

    duration_seconds: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Failed:
    """Why a file could not be used; `again` if the next scan must try it even if the file has not changed."""

    reason: str
    again: bool = False


class ChangedError(MusicTagError):
    """A file that changed while it was read."""


def work(connection) -> None:
    """What a worker process runs, until its parent closes the connection."""
    answer_requests(connection, _read, _failure)


def answer_requests(
    connection, answer: Callable[[Any, "Channel"], None], failure: Callable[[Exception], "Failed"]
) -> None:
    """Answers one request after the other in a worker process, until its parent closes the connection.

    Args:
        connection: The worker's end of the pipe.
        answer: Function from a request and the channel; it sends the answer.
        failure: Function from an error to the message that is sent instead of the rest of the answer.
    """
    begin_worker()
    channel = Channel(connection)
    channel.send(READY)
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        try:
            answer(request, channel)
        except BrokenPipeError:
            return
        except Exception as error:  # whatever a file does, the next one follows
            channel.send(failure(error))


class Channel:
    """The worker's end of the connection."""

    def __init__(self, connection):
        self._connection, self._last = connection, time.monotonic()
        self.receive = connection.recv

    def send(self, message) -> None:
        self._send(_MESSAGE, pickle.dumps(message))

    def send_chunk(self, chunking: int, samples: np.ndarray) -> None:
        self._send(_CHUNK, bytes([chunking, 0, 0]) + samples.astype("<f4", copy=False).tobytes())  # 4 bytes: aligned

    def beat(self) -> None:
        """Says that there is progress, if nothing was sent for a second."""
        if time.monotonic() - self._last > BEAT_SECONDS:
            self._send(_BEAT, b"")

    def _send(self, kind: int, content: bytes) -> None:
        self._connection.send_bytes(bytes([kind]) + content)
        self._last = time.monotonic()


def _read(path: str, channel: Channel) -> None:
    with open(path, "rb") as file:
        before = os.fstat(file.fileno())
        audio_sha256, labels = identify(file, channel.beat)
        _check_unchanged(path, before)
        channel.send(Identified(before.st_size, storable_ns(before.st_mtime_ns), audio_sha256, labels))
        chunkings = channel.receive()
        if not chunkings:
            return
        music = MusicFile(file, before.st_size)
        with reported(music):
            decoded = _decode(SeekableFile(music, LABEL), chunkings, channel)
        _check_unchanged(path, before)
        channel.send(decoded)


def _check_unchanged(path: str, before: os.stat_result) -> None:
    now = os.stat(path)
    if any(getattr(now, name) != getattr(before, name) for name in ("st_dev", "st_ino", "st_size", "st_mtime_ns")):
        raise ChangedError("The file changed while it was read. The next scan tries it again.")


def _decode(file: SeekableFile, chunkings: Sequence[Chunking], channel: Channel) -> Decoded:
    """Decodes a file once for each sample rate, and sends the chunks."""
    seconds, notes = 0.0, []
    for rate_hz in sorted({chunking.sample_rate_hz for chunking in chunkings}):
        group = {index: each for index, each in enumerate(chunkings) if each.sample_rate_hz == rate_hz}
        samples, stream = decode_with(_sender(group, channel), file, rate_hz)
        seconds = stream.duration_seconds
        notes += [*stream.notes, *(chunking.note_if_short(samples) for chunking in group.values())]
    return Decoded(seconds, tuple(dict.fromkeys(note for note in notes if note)))


def _sender(chunkings: dict[int, Chunking], channel: Channel) -> Callable[[Iterable[np.ndarray]], int]:
    """Returns a function that takes blocks, sends their chunks, and returns the number of samples."""
    calls = itertools.count()

    def send(blocks: Iterable[np.ndarray]) -> int:
        if next(calls):  # `decode_with` calls it again if the channels cancel each other
            channel.send(Restarted(tuple(chunkings)))
        total = 0

        def counted() -> Iterator[np.ndarray]:
            nonlocal total
            for block in blocks:
                total += len(block)
                channel.beat()
                yield block

        for index, samples in cut_all(counted(), chunkings):
            channel.send_chunk(index, samples)
        if not total:
            raise AudioError(f"{LABEL} has no samples at the model's sample rate: it is too short to tag.")
        return total

    return send


def cut_all(blocks: Iterable[np.ndarray], chunkings: dict[int, Chunking]) -> Iterator[tuple[int, np.ndarray]]:
    """Cuts a stream in several ways at once, and holds no more of it than the longest chunk needs.

    Args:
        blocks: Float32 arrays (samples,), as for `audio.cut`.
        chunkings: By any key.

    Yields:
        The key, and the samples of a chunk; for each key all chunks in order.
    """
    copies = itertools.tee(blocks, len(chunkings))
    cutters = {key: cut(copy, chunkings[key]) for key, copy in zip(chunkings, copies, strict=True)}
    reached = dict.fromkeys(chunkings, 0)  # where the next chunk ends, in samples
    while cutters:
        key = min(cutters, key=reached.get)  # the one that is furthest behind
        found = next(cutters[key], None)
        if found is None:
            del cutters[key]
            continue
        start, samples = found
        reached[key] = start + chunkings[key].hop_samples + chunkings[key].chunk_samples
        yield key, samples


def _failure(error: Exception) -> Failed:
    """An error as a sentence."""
    if isinstance(error, ChangedError):
        return Failed(str(error), again=True)
    if isinstance(error, FileNotFoundError):
        return Failed("The file was deleted or moved during the scan.", again=True)
    if isinstance(error, MemoryError):
        return Failed("There was not enough memory for this file. Try fewer jobs.", again=True)
    if isinstance(error, OSError) and error.strerror:
        return Failed(f"The file cannot be read ({error.strerror}).", again=True)
    text = " ".join(str(error).split())
    return Failed(text if isinstance(error, MusicTagError) else f"{type(error).__name__}: {text}")


class DecodingWorker:
    """The parent's end: a worker process, which is replaced after it was lost.

    Args:
        stall_seconds: How long a worker may make no progress before it is killed.
        work: What the process runs: a function from its end of the pipe, which calls `answer_requests`.
    """

    def __init__(self, stall_seconds: float, work: Callable[[Any], None] = work):
        self._stall_seconds, self._work, self._stopped = stall_seconds, work, False
        self._start()

    def _start(self) -> None:
        self._is_ready = False
        self.connection, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(target=self._work, args=(theirs,), daemon=True)
        with ctrl_c_held():
            self.process.start()
        theirs.close()

    def send(self, message) -> None:
        """Sends a path, or chunkings. A worker that has ended is noticed by `receive`."""
        try:
            self.connection.send(message)
        except OSError:
            pass

    def receive(self) -> Any:
        """Waits for the next message of the worker. After a hang or a crash, that is `Failed`.

        Raises:
            MusicTagError: If the process could not start, which is not the fault of a file.
        """
        while True:
            try:
                if not self.connection.poll(self._stall_seconds):
                    return self._replace(f"The decoder made no progress for {self._stall_seconds:g} s and was ended.")
                received = self.connection.recv_bytes()
            except (EOFError, OSError):
                self.process.join(self._stall_seconds)
                code = self.process.exitcode
                if not self._is_ready:
                    raise MusicTagError(
                        f"A process that decodes could not start (exit code {code}). In a script, call `scan` or "
                        "`serve` below `if __name__ == '__main__':`."
                    ) from None
                if code == KILLED:
                    return self._replace("The decoder was killed: did memory run out? Try fewer jobs.", again=True)
                return self._replace(f"The decoder crashed on this file (exit code {code}).")
            if received[0] == _CHUNK:
                return Chunk(received[1], np.frombuffer(received, "<f4", offset=4))
            if received[0] == _MESSAGE:
                message = pickle.loads(received[1:])
                if message != READY:
                    return message
                self._is_ready = True

    def _replace(self, reason: str, again: bool = False) -> Failed:
        self._kill()
        if not self._stopped:
            self._start()
        return Failed(reason, again)

    def stop(self) -> None:
        """Ends the process for good, even if it hangs."""
        self._stopped = True
        self._kill()

    def _kill(self) -> None:
        self.process.kill()
        self.process.join(1.0)  # one that waits for a network share may not end: the system removes it later
        self.connection.close()

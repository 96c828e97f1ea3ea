"""Chunks of all clients -> batches for one network, in one thread: fair, bounded, and free of what nobody awaits.

A batch takes one chunk of each waiting request in turn, so that ten chunks are not stuck behind a song of three hours.
It never waits to become full: when few chunks wait, they run at once; when many do, batches are full.
"""

import asyncio
import math
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from keras_musictag.errors import MusicTagError, quantity
from keras_musictag.tagger.track import RunBatch

SPEED_WEIGHT = 0.2  # of the newest batch in the running mean of the speed


class QueueFullError(MusicTagError):
    """The queue has no room for a request.

    Attributes:
        retry_after_seconds: How long it takes, at the speed measured so far, until there is room. A whole number.
    """

    def __init__(self, message: str, retry_after_seconds: int):
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class TooManyChunksError(MusicTagError, ValueError):
    """A request that would not even fit into an empty queue."""


@dataclass(eq=False)
class _Request:
    run: RunBatch
    chunks: np.ndarray
    future: Future = field(default_factory=Future)
    taken: int = 0  # chunks that are in a batch or computed
    outputs: list[np.ndarray] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        return len(self.chunks) - self.taken


class Batcher:
    """Runs a network on the chunks of many requests.

    Args:
        batch_chunks: The largest number of chunks in a batch.
        max_queued: The largest number of chunks that may wait, in all requests together.
        on_batch: Called in the batcher's thread with the number of chunks of each batch.

    Example:
        >>> batcher = Batcher(batch_chunks=8, max_queued=100)
        >>> batcher.submit(lambda batch: batch.sum(axis=1), np.ones((3, 4), np.float32)).result().tolist()
        [4.0, 4.0, 4.0]
        >>> batcher.close()
    """

    def __init__(self, batch_chunks: int, max_queued: int, on_batch: Callable[[int], None] = lambda chunks: None):
        self._batch_chunks, self._max_queued, self._on_batch = batch_chunks, max_queued, on_batch
        self._rotation: deque[_Request] = deque()  # those with waiting chunks; the first gives the next chunk
        self._changed = threading.Condition()
        self._queued = 0
        self._running = False
        self._closed = False
        self._seconds_per_chunk = 0.0  # unknown before the first batch
        self._thread = threading.Thread(target=self._work, name="batcher", daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        """Number of chunks that wait."""
        return self._queued

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        with self._changed:
            return not self._queued and not self._running

    async def run(self, run: RunBatch, chunks: np.ndarray, admitted: bool = False) -> np.ndarray:
        """`submit`, awaited. If the task that waits is cancelled, so are the chunks that are not in a batch yet."""
        return await asyncio.wrap_future(self.submit(run, chunks, admitted))

    def submit(self, run: RunBatch, chunks: np.ndarray, admitted: bool = False) -> Future:
        """Adds a request. Safe in every thread.

        Args:
            run: The network: a function from float32 (chunks, chunk_samples) to (chunks, ...). Only chunks with the
                same function share a batch.
            chunks: Float32 (chunks, chunk_samples), at least one.
            admitted: True for the next part of a job whose first part was accepted: it is not refused, however many
                wait. Let such a job have only one part in the queue at a time.

        Returns:
            A future of the network's outputs for these chunks, in order. Cancelling it removes those chunks from the
            queue that are not in a batch yet. An error of the network is its exception.

        Raises:
            QueueFullError: If there is no room at the moment.
            TooManyChunksError: If there would be no room in an empty queue.
            MusicTagError: If the batcher is closed.
        """
        request = _Request(run, chunks)
        with self._changed:
            if self._closed:
                raise MusicTagError("The server is stopping and takes no new work.")
            if not admitted:
                self._check_room(len(chunks))
            self._rotation.append(request)
            self._queued += len(chunks)
            self._changed.notify()
        # weakly: the future and the request would keep each other, with its chunks, until Python looks for cycles
        request.future.add_done_callback(partial(self._forget, weakref.ref(request)))
        return request.future

    def close(self) -> None:
        """Ends the thread after the batch that runs. What still waits fails."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _check_room(self, count: int) -> None:
        if count > self._max_queued:
            raise TooManyChunksError(
                f"A request may hold at most {quantity(self._max_queued, 'chunk')}. Received: {count}. Send fewer."
            )
        excess = self._queued + count - self._max_queued
        if excess > 0:
            seconds = max(1, math.ceil(excess * self._seconds_per_chunk))
            raise QueueFullError(
                f"The server is busy: {quantity(self._queued, 'chunk')} of {self._max_queued} wait. Try again in "
                f"{quantity(seconds, 'second')}.",
                seconds,
            )

    def _forget(self, reference: weakref.ref[_Request], future: Future) -> None:
        """Removes a request that is cancelled, failed or complete; its chunks that still wait, if any, are not run."""
        with self._changed:
            request = reference()
            if request in self._rotation:
                self._rotation.remove(request)
                self._queued -= request.waiting

    def _work(self) -> None:
        while self._run_next():
            pass
        for request in [*self._rotation]:
            _fail(request, MusicTagError("The server stopped before this request was finished."))

    def _run_next(self) -> bool:
        """Waits for chunks and runs one batch; False if the batcher was closed."""
        with self._changed:
            self._running = False
            self._changed.wait_for(lambda: self._rotation or self._closed)
            if self._closed:
                return False
            batch = self._take_batch()
            self._running = True
        begun = time.perf_counter()
        self._run_batch(batch)
        self._note_speed((time.perf_counter() - begun) / len(batch))
        self._on_batch(len(batch))
        return True

    def _take_batch(self) -> list[tuple[_Request, np.ndarray]]:
        """One chunk of each request in turn, of those with the same network as the first."""
        batch, others = [], []
        run = self._rotation[0].run
        while self._rotation and len(batch) < self._batch_chunks:
            request = self._rotation.popleft()
            if request.run is not run:
                others.append(request)
                continue
            batch.append((request, request.chunks[request.taken]))
            request.taken += 1
            if request.waiting:
                self._rotation.append(request)
        self._rotation.extendleft(reversed(others))  # first in the next batch
        self._queued -= len(batch)
        return batch

    def _run_batch(self, batch: list[tuple[_Request, np.ndarray]]) -> None:
        requests, chunks = zip(*batch, strict=True)
        try:
            outputs = requests[0].run(np.stack(chunks))
        except Exception as error:  # whatever it is, it belongs to these requests, and the thread must live on
            for request in dict.fromkeys(requests):
                _fail(request, error)
            return
        for request, output in zip(requests, outputs, strict=True):
            request.outputs.append(output)
            if len(request.outputs) == len(request.chunks) and request.future.set_running_or_notify_cancel():
                request.future.set_result(np.stack(request.outputs))

    def _note_speed(self, seconds_per_chunk: float) -> None:
        before = self._seconds_per_chunk or seconds_per_chunk
        self._seconds_per_chunk = before + SPEED_WEIGHT * (seconds_per_chunk - before)


def _fail(request: _Request, error: Exception) -> None:
    if not request.future.done() and request.future.set_running_or_notify_cancel():
        request.future.set_exception(error)

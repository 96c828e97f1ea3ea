"""Feeds tracks from decoding workers to one consumer: a bounded queue of messages, filled by one thread per worker.

The threads read the pipes, which hold only 64 KB, while the consumer runs a network. If the queue is full they wait,
and so do the workers.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from keras_musictag.audio.chunking import Chunking
from keras_musictag.library.decoding_workers import Decoded, DecodingWorker, Failed, Identified
from keras_musictag.library.music_files import FoundFile

_WAIT_SECONDS = 0.1  # how often a thread that waits looks whether it must stop


@dataclass(eq=False)
class Track:
    """A file on its way through a scan; the consumer may keep what it knows of it in `state`."""

    file: FoundFile
    identified: Identified | None = None
    state: Any = field(default=None, repr=False)


class TrackFeed:
    """Decodes files in several processes: a context manager.

    Args:
        choose: Called in a thread, one call at a time, with a `Track` that is identified. It returns the chunkings to
            decode, and none if the track need not be decoded.
        workers: Number of processes.
        stall_seconds: See `DecodingWorker`.
        held_messages: How many messages wait for the consumer at most.

    Attributes:
        unfinished: How many of the files that were put in have not come out with their last message.
    """

    def __init__(
        self,
        choose: Callable[[Track], Sequence[Chunking]],
        workers: int,
        stall_seconds: float,
        held_messages: int,
    ):
        self.unfinished = 0
        self._choose, self._choosing = choose, threading.Lock()
        self._tracks: queue.Queue[Track] = queue.Queue(4 * workers)
        self._messages: queue.Queue = queue.Queue(held_messages)
        self._stopped, self.workers = threading.Event(), []
        try:
            for _ in range(workers):
                self.workers.append(DecodingWorker(stall_seconds))
        except BaseException:
            self._stop_workers()
            raise
        serve = self._serve_all
        self._threads = [threading.Thread(target=serve, args=(worker,), daemon=True) for worker in self.workers]

    def __enter__(self) -> "TrackFeed":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stopped.set()
        self._stop_workers()
        for thread in self._threads:
            thread.join()
        self._stop_workers()  # a thread may have replaced one

    def _stop_workers(self) -> None:
        for worker in self.workers:
            worker.stop()

    @property
    def is_full(self) -> bool:
        """Whether no further file can be put in now."""
        return self._tracks.full()

    def put(self, track: Track) -> None:
        """Puts a file in. Only the consumer calls it, and only if the feed is not full."""
        self._tracks.put_nowait(track)
        self.unfinished += 1

    def next(self, seconds: float) -> tuple[Track, Any] | None:
        """Returns the next message and its track; None if there was none within a number of seconds.

        The first message of each track is `Identified`, with the chosen chunkings as `(identified, chunkings)`. The
        last one is that with no chunkings, `Decoded` or `Failed`.

        Raises:
            The error of a thread.
        """
        try:
            track, message, is_last = self._messages.get(timeout=seconds)
        except queue.Empty:
            return None
        if isinstance(message, BaseException):
            raise message
        self.unfinished -= is_last
        return track, message

    def _serve_all(self, worker: DecodingWorker) -> None:
        while not self._stopped.is_set():
            with suppress(queue.Empty):
                track = self._tracks.get(timeout=_WAIT_SECONDS)
                try:
                    self._serve(worker, track)
                except BaseException as error:  # the consumer raises it
                    self._pass_on(track, error, True)

    def _serve(self, worker: DecodingWorker, track: Track) -> None:
        worker.send(track.file.path)
        message = None
        while not self._stopped.is_set() and not isinstance(message, Decoded | Failed):
            message = worker.receive()
            if isinstance(message, Identified):
                track.identified = message
                with self._choosing:
                    chunkings = self._choose(track)
                worker.send(tuple(chunkings))
                self._pass_on(track, (message, chunkings), not chunkings)
                if not chunkings:
                    return
            else:
                self._pass_on(track, message, isinstance(message, Decoded | Failed))

    def _pass_on(self, track: Track, message, is_last: bool) -> None:
        while not self._stopped.is_set():
            with suppress(queue.Full):
                self._messages.put((track, message, is_last), timeout=_WAIT_SECONDS)
                return

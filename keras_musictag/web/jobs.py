"""Jobs: work that takes a while, with a log of events that clients follow, leave and resume; it can be cancelled.

An event has a number, so that a client that lost its connection sends the last one it has seen and gets what came
after. All methods are called in the event loop, except `Job.emit_from_thread`.
"""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import contextmanager
from typing import Any, NamedTuple

from fastapi import HTTPException

from keras_musictag.errors import MusicTagError, UnknownNameError
from keras_musictag.web.replies import busy, refusal

ABANDONED_SECONDS = 120.0  # a page that lost its connection resumes sooner
MAX_LOG_CHARACTERS = 2**26  # of the events of all finished jobs together
KEEP_ALIVE_SECONDS = 15.0  # between two signs of life on a connection
ENDED = ("done", "failed", "cancelled")

log = logging.getLogger(__name__)


class Event(NamedTuple):
    """An event of a job: its number from 0, its name, and its data as JSON."""

    number: int
    name: str
    data: str

    def as_text(self) -> str:
        """The event as a server-sent event."""
        return f"id: {self.number}\nevent: {self.name}\ndata: {self.data}\n\n"


class Job:
    """A job. `work` reports through it, and clients read it.

    Attributes:
        id: What clients call it: 32 hexadecimal digits.
        kind: "tag" or "evaluate".
        state: "queued", "running", "done", "failed" or "cancelled".
        progress: From 0 to 1; None if it is not known.
        error: Why it failed, in a sentence.
        failure: The exception itself.
        result: The data of its last event, `done`.
        events: The events so far.
    """

    def __init__(self, kind: str):
        self.id, self.kind = secrets.token_hex(16), kind
        self.state, self.progress, self.error, self.result = "queued", None, None, None
        self.failure: Exception | None = None
        self.abandonable = True
        self.events: list[Event] = []
        self.log_characters = 0
        self.followers, self.last_seen = 0, time.monotonic()
        self.task: asyncio.Task | None = None
        self._loop, self._changed = asyncio.get_running_loop(), asyncio.Event()

    def emit(self, name: str, data: Any) -> None:
        """Adds an event.

        Args:
            name: What happened, such as "progress".
            data: Plain data.
        """
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        self.events.append(Event(len(self.events), name, text))
        self.log_characters += len(text)
        self._changed.set()
        self._changed = asyncio.Event()

    def emit_from_thread(self, name: str, data: Any, progress: float | None = None) -> None:
        """Adds an event, and sets `progress`, from another thread."""

        def add() -> None:
            if self.state not in ENDED:
                self.progress = progress
                self.emit(name, data)

        self._loop.call_soon_threadsafe(add)

    def end(self, state: str, name: str, data: Any) -> None:
        """Adds the last event."""
        self.state = state
        self.emit(name, data)

    def cancel(self) -> None:
        """Cancels the job, if it has not ended."""
        if self.state not in ENDED:
            self.task.cancel()

    @contextmanager
    def followed(self):
        """A client follows the job in the `with` block: it is not abandoned."""
        self.followers += 1
        try:
            yield
        finally:
            self.followers -= 1
            self.last_seen = time.monotonic()

    async def follow(self, after: int = -1) -> AsyncIterator[Event | None]:
        """Yields the events after a number, as they come, until the job has ended; None as a sign of life."""
        position = max(after + 1, 0)
        with self.followed():
            while True:
                changed = self._changed
                while position < len(self.events):
                    yield self.events[position]
                    position += 1
                if self.state in ENDED:
                    return
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        await changed.wait()
                except TimeoutError:
                    yield None

    def to_dict(self) -> dict[str, Any]:
        """The job as plain data, without its events."""
        names = ("kind", "state", "progress", "error", "result")
        return {"job": self.id, **{name: getattr(self, name) for name in names}}


Work = Callable[[Job], Awaitable[Any]]


class OtherQueueError(Exception):
    """Raised by the work of a job that belongs into another queue: the job gives up its place and waits there.

    Args:
        queue: Name of the other queue.
        max_running: How many of its jobs run at the same time.
        work: What runs then, from the beginning.
    """

    def __init__(self, queue: str, max_running: int, work: Work):
        super().__init__(queue)
        self.queue, self.max_running, self.work = queue, max_running, work


class Jobs:
    """All jobs of a server.

    Args:
        max_running: How many jobs of one kind run at the same time.
        max_waiting: How many jobs of one kind may wait.
        max_kept: How many finished jobs are kept.
    """

    def __init__(self, max_running: int, max_waiting: int, max_kept: int):
        self._max_running, self._max_waiting, self._max_kept = max_running, max_waiting, max_kept
        self._jobs: dict[str, Job] = {}
        self._places: dict[str, asyncio.Semaphore] = {}
        self._sweeper: asyncio.Task | None = None
        self._ending_since: float | None = None

    def __iter__(self):
        return iter(list(self._jobs.values()))

    def start(
        self,
        kind: str,
        work: Work,
        max_running: int | None = None,
        abandonable: bool = True,
    ) -> Job:
        """Starts a job, or puts it into the queue.

        Args:
            kind: "tag" or "evaluate".
            work: Function from the job to the data of its last event, `done`. It calls `job.emit` on its way, and may
                be cancelled at any `await`, or raise `OtherQueueError`.
            max_running: How many jobs of this kind run at the same time; None for the server's usual number.
            abandonable: Whether the job is cancelled if no client asks for it any more.

        Raises:
            HTTPException: 429 if too many jobs wait, 503 if the server is ending.
        """
        self.check_room(kind)
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())
        job = Job(kind)
        job.abandonable = abandonable
        self._jobs[job.id] = job
        job.task = asyncio.create_task(self._run(job, work, max_running or self._max_running))
        job.task.add_done_callback(lambda _: job.state in ENDED or job.end("cancelled", "cancelled", {}))
        return job

    def check_room(self, kind: str) -> None:
        """Raises the error of `start` if no job of a kind can be started now."""
        if self.is_ending:
            raise refusal(503, "The server is ending and starts no new jobs. Try again in a moment.")
        if sum(job.kind == kind and job.state == "queued" for job in self) >= self._max_waiting:
            raise busy(f"{self._max_waiting} jobs are waiting already. Try again later.")

    async def _run(self, job: Job, work: Work, max_running: int) -> None:
        try:
            move = None
            try:
                result = await self._in_queue(job.kind, max_running, job, work)
            except OtherQueueError as error:
                move = error.with_traceback(None)  # which would keep the chunks so far
            if move is not None:
                job.state, job.progress = "queued", None
                result = await self._in_queue(move.queue, move.max_running, job, move.work)
            job.progress, job.result = 1.0, result
            job.end("done", "done", result)
        except asyncio.CancelledError:  # also by the callback, if it is cancelled before it begins
            job.end("cancelled", "cancelled", {})
        except Exception as error:
            job.error, job.failure = _sentence(error), error
            job.end("failed", "failed", {"error": job.error})
        self._forget_old()

    async def _in_queue(self, queue: str, max_running: int, job: Job, work: Work) -> Any:
        async with self._places.setdefault(queue, asyncio.Semaphore(max_running)):
            job.state = "running"
            return await work(job)

    def get(self, job_id: str) -> Job:
        """The job with an id.

        Raises:
            UnknownNameError: If there is none, or it is no longer kept.
        """
        if job_id not in self._jobs:
            raise UnknownNameError(
                f"There is no job {job_id!r}. Finished jobs are kept only for a while: start it again."
            )
        job = self._jobs[job_id]
        job.last_seen = time.monotonic()
        return job

    def _forget_old(self) -> None:
        """Drops the oldest finished jobs beyond the limits."""
        finished = [job for job in self if job.state in ENDED]
        excess = sum(job.log_characters for job in finished) - MAX_LOG_CHARACTERS
        for position, job in enumerate(finished[:-1]):  # not the newest, which its client has yet to read
            if job.followers or (len(finished) - position <= self._max_kept and excess <= 0):
                continue
            excess -= job.log_characters
            del self._jobs[job.id]

    async def _sweep(self) -> None:
        """Cancels jobs that nobody asks for any more."""
        while True:
            await asyncio.sleep(ABANDONED_SECONDS / 8)
            now = time.monotonic()
            for job in self:
                if job.abandonable and not job.followers and now - job.last_seen > ABANDONED_SECONDS:
                    job.cancel()

    @property
    def is_ending(self) -> bool:
        """Whether no new jobs are started."""
        return self._ending_since is not None

    def begin_ending(self) -> None:
        """Starts no new jobs from now on."""
        self._ending_since = self._ending_since or time.monotonic()

    async def drain(self, seconds: float) -> None:
        """Starts no new jobs, and waits for those that run, until `seconds` after `begin_ending`; then cancels them."""
        self.begin_ending()
        tasks = [job.task for job in self if job.state not in ENDED]
        if tasks:
            left = max(0.0, self._ending_since + seconds - time.monotonic())
            _, unfinished = await asyncio.wait(tasks, timeout=left)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        if self._sweeper is not None:
            self._sweeper.cancel()


def _sentence(error: Exception) -> str:
    """An error as a sentence for a client. What is no message for users is logged."""
    if isinstance(error, HTTPException):
        return str(error.detail)
    if isinstance(error, MusicTagError):
        return " ".join(str(error).split())
    log.error("A job failed.", exc_info=error)
    return f"The server failed on this job ({type(error).__name__}); its log says where."

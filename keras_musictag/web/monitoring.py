"""What the server counts for Prometheus: requests, batches, and what it holds at the moment.

Labels come from the routes' templates and the models' names, never from what a client sent: their number is limited.
"""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = {"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"}
LATENCY_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
BATCH_CHUNKS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
NO_ROUTE = "none"  # the path matched no route, or the request was refused before


class Monitor:
    """The counts of one application, in a registry of its own.

    Example:
        >>> monitor = Monitor()
        >>> monitor.note_batch("vgg-mtat-v1", 3)
        >>> b'keras_musictag_chunks_total{model="vgg-mtat-v1"} 3.0' in monitor.exposition()
        True
    """

    def __init__(self):
        self._registry = CollectorRegistry()
        own = {"namespace": "keras_musictag", "registry": self._registry}
        ProcessCollector(registry=self._registry)  # memory, CPU time and open files, where the system tells
        self._requests = Counter("requests", "Requests by route and status.", ("method", "route", "status"), **own)
        self._latency = Histogram(
            "request_seconds",
            "Time from a request's first byte to its reply's last, by route.",
            ("route",),
            buckets=LATENCY_SECONDS,
            **own,
        )
        self._chunks = Counter("chunks", "Chunks that were run.", ("model",), **own)
        self._batches = Histogram("batch_chunks", "Chunks in a batch.", ("model",), buckets=BATCH_CHUNKS, **own)
        self._own = own

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Adds a number that is asked for when Prometheus is.

        Args:
            name: Its name, without the package's.
            text: What it is.
            value: A function that returns it, at once.
        """
        Gauge(name, text, **self._own).set_function(value)

    def note_batch(self, model: str, chunks: int) -> None:
        """Counts a batch. Safe in every thread."""
        self._chunks.labels(model).inc(chunks)
        self._batches.labels(model).observe(chunks)

    def note_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts a request."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def exposition(self) -> bytes:
        """All numbers, in Prometheus's text format."""
        return generate_latest(self._registry)


class RequestCounts:
    """The ASGI middleware that counts requests.

    Args:
        app: The application.
        monitor: Where they are counted.
    """

    def __init__(self, app: ASGIApp, monitor: Monitor):
        self._app, self._monitor = app, monitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, begun = 500, time.perf_counter()

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        finally:
            self._monitor.note_request(scope["method"], route_of(scope), status, time.perf_counter() - begun)


def route_of(scope: Scope) -> str:
    """The template of the route that a request matched, such as "/api/jobs/{job_id}"."""
    if scope["path"].startswith("/static/"):
        return "/static"
    return getattr(scope.get("route"), "path", NO_ROUTE)

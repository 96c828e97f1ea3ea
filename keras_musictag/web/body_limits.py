"""How much a client may send, and how slowly: checked piece by piece, before anything is stored."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keras_musictag.web.replies import busy, error_reply, refusal
from keras_musictag.web.settings import MEBIBYTE, ServerSettings

UPLOAD_PATHS = {"/api/sources", "/api/tag"}
FORM_BYTES = 64 * 1024  # of a form, next to its file
MAX_PREDICT_BYTES = 32 * MEBIBYTE  # of JSON with samples: 25 chunks of 3 s
MAX_JSON_BYTES = MEBIBYTE
MIN_BYTES_PER_SECOND = 4096.0
CLOSE = {"Connection": "close"}
DRAIN_SECONDS = 10.0  # for a client that reads the reply only after it has sent everything


class BodyLimits:
    """The ASGI middleware: a body that is too large is refused with 413, one that is too slow with 408.

    Args:
        app: The application.
        settings: The server's settings.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings):
        self._app, self._settings = app, settings
        self._in_transit = 0  # bytes of bodies that are being received

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, send, self._most_bytes(scope["path"]), self._settings, self._count)
        stated = Headers(scope=scope).get("content-length", "0")
        try:
            if not stated.isdigit() or int(stated) > body.most:
                body.is_refused = True
                await error_reply(413, too_large(body.most), CLOSE)(scope, receive, body.send)
            else:
                await self._app(scope, body.receive, body.send)
        finally:
            self._in_transit -= body.received

    def _count(self, size: int) -> None:
        self._in_transit += size
        if self._in_transit > self._settings.max_stored_bytes:
            raise busy("Too many files are being sent to the server. Try again later.", 30)

    def _most_bytes(self, path: str) -> int:
        if path in UPLOAD_PATHS:
            return self._settings.max_upload_bytes + FORM_BYTES
        return MAX_PREDICT_BYTES if path.endswith(":predict") else MAX_JSON_BYTES


def too_large(most: int) -> str:
    """The sentence for a body of more than `most` bytes."""
    return f"The body is too large; expected at most {most / MEBIBYTE:.0f} MiB. Send a shorter or compressed file."


class _Body:
    """The body of one request, on its way to the application.

    Attributes:
        most: The most bytes that it may have.
        received: How many came.
        is_refused: Whether the reply says that it is too large or too slow.
    """

    def __init__(self, receive: Receive, send: Send, most: int, settings: ServerSettings, count: Callable[[int], None]):
        self._receive, self._send, self.most = receive, send, most
        self._stall_seconds, self._count = settings.stall_seconds, count
        self.received, self.is_refused, self._is_complete, self._began = 0, False, False, time.monotonic()

    async def receive(self) -> Message:
        """The next message from the client.

        Raises:
            HTTPException: 413, 408 or 429.
        """
        if self._is_complete:  # all that can still come is the news that the client has hung up
            return await self._receive()
        left = self._began + self._stall_seconds + self.received / MIN_BYTES_PER_SECOND - time.monotonic()
        try:
            async with asyncio.timeout(min(left, self._stall_seconds)):
                message = await self._receive()
        except TimeoutError:
            raise refusal(408, "The body came too slowly. Send it again.", CLOSE) from None
        size = len(message.get("body", b""))
        self.received += size
        self._is_complete = not message.get("more_body", False)
        self._count(size)
        if self.received > self.most:
            self.is_refused = True
            raise refusal(413, too_large(self.most), CLOSE)
        return message

    async def send(self, message: Message) -> None:
        """Sends a part of the reply. Before the end of a refusal, the rest of the body is read and dropped.

        Else the connection would be reset, and a client that is still sending would not see the reply.
        """
        if self.is_refused and message["type"] == "http.response.body" and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._drop_rest()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _drop_rest(self) -> None:
        dropped = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self._is_complete and dropped <= self.most:
                    message = await self._receive()
                    dropped += len(message.get("body", b""))
                    self._is_complete = not message.get("more_body", False)

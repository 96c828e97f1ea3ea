"""How much a client may send, and how slowly: checked piece by piece, before anything is stored."""

import asyncio
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keras_musictag.web.replies import busy, error_reply, refusal
from keras_musictag.web.settings import MEBIBYTE, ServerSettings

UPLOAD_PATHS = {"/api/sources", "/api/tag"}
FORM_BYTES = 64 * 1024  # of a form, next to its file
MAX_PREDICT_BYTES = 32 * MEBIBYTE  # of JSON with samples: 25 chunks of 3 s
MAX_JSON_BYTES = MEBIBYTE
MIN_BYTES_PER_SECOND = 4096.0


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
        most = self._most_bytes(scope["path"])
        stated = Headers(scope=scope).get("content-length", "0")
        if not stated.isdigit() or int(stated) > most:
            await error_reply(413, too_large(most), {"Connection": "close"})(scope, receive, send)
            return
        received, is_complete, began = 0, False, time.monotonic()

        async def limited_receive() -> Message:
            nonlocal received, is_complete
            if is_complete:  # all that can still come is the news that the client has hung up
                return await receive()
            left = began + self._settings.stall_seconds + received / MIN_BYTES_PER_SECOND - time.monotonic()
            try:
                async with asyncio.timeout(min(left, self._settings.stall_seconds)):
                    message = await receive()
            except TimeoutError:
                raise refusal(408, "The body came too slowly. Send it again.", {"Connection": "close"}) from None
            size = len(message.get("body", b""))
            received += size
            self._in_transit += size
            is_complete = not message.get("more_body", False)
            if received > most:
                raise refusal(413, too_large(most), {"Connection": "close"})
            if self._in_transit > self._settings.max_stored_bytes:
                raise busy("Too many files are being sent to the server. Try again later.", 30)
            return message

        try:
            await self._app(scope, limited_receive, send)
        finally:
            self._in_transit -= received

    def _most_bytes(self, path: str) -> int:
        if path in UPLOAD_PATHS:
            return self._settings.max_upload_bytes + FORM_BYTES
        return MAX_PREDICT_BYTES if path.endswith(":predict") else MAX_JSON_BYTES


def too_large(most: int) -> str:
    """The sentence for a body of more than `most` bytes."""
    return f"The body is too large; expected at most {most / MEBIBYTE:.0f} MiB. Send a shorter or compressed file."

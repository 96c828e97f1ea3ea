"""Bodies that are too large or too slow are refused, piece by piece."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from keras_musictag.web import ServerSettings
from keras_musictag.web.body_limits import BodyLimits


def call(pieces, settings=None, headers=(), path="/api/sources", wait_seconds=0.0):
    """What the middleware answers to a body in pieces: its status, and how many of the bytes the application read."""
    read = 0

    async def consume(request: Request):
        nonlocal read
        async for piece in request.stream():
            read += len(piece)
        return PlainTextResponse("ok")

    settings = settings or ServerSettings(max_upload_bytes=1000, stall_seconds=0.2)
    app = BodyLimits(Starlette(routes=[Route(path, consume, methods=["POST"])]), settings)
    scope = {"type": "http", "method": "POST", "path": path, "headers": list(headers), "query_string": b"", "app": app}
    messages, waiting = [], list(pieces)

    async def receive():
        if not waiting:
            await asyncio.sleep(60)
        await asyncio.sleep(wait_seconds)
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message):
        messages.append(message)

    asyncio.run(app(scope, receive, send))
    assert app._in_transit == 0
    return messages[0]["status"], read


SMALL_FORM = 1000 + 64 * 1024


def test_a_body_within_the_limit_passes():
    assert call([b"x" * 1000, b"y" * (SMALL_FORM - 1000)]) == (200, SMALL_FORM)


def test_a_stated_length_beyond_the_limit_is_refused_unread():
    headers = [(b"content-length", str(SMALL_FORM + 1).encode())]
    assert call([b"x"], headers=headers) == (413, 0)


def test_a_length_that_is_no_number_is_refused():
    assert call([b"x"], headers=[(b"content-length", b"-1")]) == (413, 0)


def test_a_body_without_a_length_is_refused_at_the_limit():
    status, read = call([b"x" * 10_000] * 100)
    assert status == 413
    assert read <= SMALL_FORM


def test_other_routes_take_little():
    assert call([b"x" * 10_000] * 200, path="/api/jobs")[0] == 413
    assert call([b"x" * 10_000] * 200, path="/v1/models/vgg:predict")[0] == 200


def test_a_body_that_stalls_is_refused():
    assert call([b"x", b"y"], wait_seconds=0.3) == (408, 0)


def test_a_body_that_trickles_is_refused():
    settings = ServerSettings(max_upload_bytes=1000, stall_seconds=0.3)
    status, read = call([b"x"] * 20, settings, wait_seconds=0.05)
    assert status == 408
    assert 1 <= read < 20


def test_bodies_on_their_way_share_a_limit():
    settings = ServerSettings(max_stored_bytes=500)
    assert call([b"x" * 501], settings)[0] == 429

"""Work that ends when the client that asked for it has left."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from fastapi import Request

from keras_musictag.web.replies import left_error

T = TypeVar("T")


async def unless_client_leaves(request: Request, work: Coroutine[None, None, T]) -> T:
    """Awaits work, and cancels it if the client closes the connection. Call it when the body has been read.

    Args:
        request: The request.
        work: A coroutine.

    Returns:
        What the coroutine returns.

    Raises:
        HTTPException: 499 if the client has left.
    """
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(wait_until_left(request))
    try:
        await asyncio.wait((task, watch), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise left_error()
    finally:
        for each in (task, watch):
            each.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def wait_until_left(request: Request) -> None:
    """Waits until the client has closed the connection. Call it when the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass

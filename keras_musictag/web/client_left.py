"""Work that ends when the client that asked for it has left."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from keras_musictag.web.replies import refusal

T = TypeVar("T")
CLIENT_LEFT = 499  # the status that nginx logs for it; nobody receives it


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


async def body_of(request: Request) -> bytes:
    """The body of a request.

    Raises:
        HTTPException: 499 if the client has left.
    """
    try:
        return await request.body()
    except ClientDisconnect:
        raise left_error() from None


def left_error() -> HTTPException:
    """The error of a request whose client has left, which nobody receives."""
    return refusal(CLIENT_LEFT, "The client has left.")


async def wait_until_left(request: Request) -> None:
    """Waits until the client has closed the connection. Call it when the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass

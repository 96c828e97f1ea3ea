"""Work that is cancelled when its client leaves."""

import asyncio

import pytest
from fastapi import HTTPException, Request

from keras_musictag.web.client_left import unless_client_leaves


def request_that(leaves: asyncio.Event) -> Request:
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if messages:
            return messages.pop()
        await leaves.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http"}, receive)


def test_work_is_returned_and_its_errors_are_raised():
    async def main():
        async def work():
            return 3

        async def fail():
            raise ValueError("broken")

        request = request_that(asyncio.Event())
        with pytest.raises(ValueError, match="broken"):
            await unless_client_leaves(request, fail())
        return await unless_client_leaves(request, work())

    assert asyncio.run(main()) == 3


def test_work_of_a_client_that_leaves_is_cancelled():
    ended = []

    async def main():
        leaves = asyncio.Event()

        async def work():
            leaves.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        with pytest.raises(HTTPException) as left:
            await unless_client_leaves(request_that(leaves), work())
        return left.value.status_code

    assert asyncio.run(main()) == 499 and ended == ["cancelled"]


def test_work_is_cancelled_with_the_task_that_waits_for_it():
    ended = []

    async def main():
        begun = asyncio.Event()

        async def work():
            begun.set()
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("cancelled")

        task = asyncio.create_task(unless_client_leaves(request_that(asyncio.Event()), work()))
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    assert ended == ["cancelled"]

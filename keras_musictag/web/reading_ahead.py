"""Takes what a slow consumer will need before it asks for it, so that the producer is done sooner."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def read_ahead(items: AsyncIterator[T], most: int) -> AsyncIterator[AsyncIterator[T]]:
    """Iterates over items in a task of its own, at most some ahead of the consumer; the task ends with the block.

    Args:
        items: An asynchronous generator. It is closed at the end, also if the consumer leaves early.
        most: How many items may wait.

    Yields:
        An iterator over the same items. An error of `items` is raised where it would have been.

    Example:
        >>> async def numbers():
        ...     for number in range(3):
        ...         yield number
        >>> async def main():
        ...     async with read_ahead(numbers(), most=2) as items:
        ...         return [number async for number in items]
        >>> asyncio.run(main())
        [0, 1, 2]
    """
    queue: asyncio.Queue[tuple[str, Any]] = asyncio.Queue(most)

    async def fill() -> None:
        try:
            async for item in items:
                await queue.put(("item", item))
        except Exception as error:
            await queue.put(("error", error))
        else:
            await queue.put(("end", None))
        finally:
            await items.aclose()

    async def taken() -> AsyncIterator[T]:
        while True:
            kind, value = await queue.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value

    task = asyncio.create_task(fill())
    try:
        yield taken()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

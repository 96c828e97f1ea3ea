"""Reading ahead: a producer that ends before its consumer, and ends with it."""

import asyncio

import pytest

from keras_musictag.web.reading_ahead import read_ahead


async def produce(log: list, count: int, error: Exception | None = None):
    try:
        for number in range(count):
            log.append(number)
            yield number
        if error:
            raise error
    finally:
        log.append("closed")


def test_a_short_producer_ends_before_its_consumer_begins():
    log = []

    async def main():
        async with read_ahead(produce(log, 2), most=3) as items:
            while "closed" not in log:
                await asyncio.sleep(0)
            return [item async for item in items]

    assert asyncio.run(main()) == [0, 1] and log == [0, 1, "closed"]


def test_a_long_producer_is_only_some_items_ahead():
    log = []

    async def main():
        async with read_ahead(produce(log, 100), most=3) as items:
            for _ in range(50):
                await asyncio.sleep(0)
            assert log == [0, 1, 2, 3]  # three wait, and one has no place yet
            assert [item async for item in items] == [*range(100)]

    asyncio.run(main())


def test_an_error_comes_after_the_items_before_it():
    seen, log = [], []

    async def main():
        async with read_ahead(produce(log, 2, ValueError("broken")), most=9) as items:
            async for item in items:
                seen.append(item)

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(main())
    assert seen == [0, 1] and log[-1] == "closed"


def test_the_producer_is_closed_when_the_consumer_leaves():
    log = []

    async def main():
        async with read_ahead(produce(log, 100), most=2) as items:
            async for _ in items:
                break
        assert log[-1] == "closed" and len(log) < 10

    asyncio.run(main())

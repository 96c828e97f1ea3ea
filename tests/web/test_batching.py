"""Chunks of many requests in one queue. The networks here are functions that say what they were given."""

import asyncio
import threading

import numpy as np
import pytest

from keras_musictag import MusicTagError
from keras_musictag.web.batching import Batcher, QueueFullError, TooManyChunksError

LIMIT_SECONDS = 20


class Network:
    """Doubles each chunk, and keeps the first sample of each chunk of each batch. Each batch needs a permit."""

    def __init__(self, permits: int = 100):
        self.batches, self.permits, self.entered = [], threading.Semaphore(permits), threading.Semaphore(0)

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        self.entered.release()
        assert self.permits.acquire(timeout=LIMIT_SECONDS)
        self.batches.append(batch[:, 0].tolist())
        if (batch < 0).any():
            raise RuntimeError("negative")
        return 2 * batch

    def wait_for_a_batch(self) -> None:
        assert self.entered.acquire(timeout=LIMIT_SECONDS)


def chunks(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None].repeat(3, axis=1)


@pytest.fixture
def make_batcher():
    made = []

    def make(batch_chunks=4, max_queued=100, **options):
        made.append(Batcher(batch_chunks, max_queued, **options))
        return made[-1]

    yield make
    for batcher in made:
        batcher.close()


def blocked(batcher: Batcher):
    """A network that runs a chunk 0 and waits in it, so that what follows is in the queue."""
    network = Network(permits=0)
    first = batcher.submit(network, chunks(0))
    network.wait_for_a_batch()
    return network, first


def test_outputs_come_back_in_order_to_their_requests(make_batcher):
    batcher, network = make_batcher(), Network()
    futures = [batcher.submit(network, chunks(*range(n, n + 7))) for n in (10, 20, 30)]
    for n, future in zip((10, 20, 30), futures, strict=True):
        np.testing.assert_array_equal(future.result(LIMIT_SECONDS), 2 * chunks(*range(n, n + 7)))


def test_batches_take_from_each_request_in_turn(make_batcher):
    batcher = make_batcher()
    network, _ = blocked(batcher)
    futures = [batcher.submit(network, chunks(*values)) for values in (range(10, 19), (20, 21), (30,))]
    network.permits.release(100)
    for future in futures:
        future.result(LIMIT_SECONDS)
    assert network.batches == [[0], [10, 20, 30, 11], [21, 12, 13, 14], [15, 16, 17, 18]]


def test_networks_do_not_share_a_batch(make_batcher):
    batcher = make_batcher()
    network, _ = blocked(batcher)
    other = Network()
    futures = [
        batcher.submit(run, chunks(*values)) for run, values in ((network, (1, 2)), (other, (5,)), (network, (3,)))
    ]
    network.permits.release(100)
    for future in futures:
        future.result(LIMIT_SECONDS)
    assert (network.batches, other.batches) == ([[0], [1, 3, 2]], [[5]])


def test_a_full_queue_refuses_and_says_when_to_retry(make_batcher):
    batcher = make_batcher(max_queued=3)
    network, _ = blocked(batcher)
    batcher.submit(network, chunks(1, 2))
    with pytest.raises(QueueFullError, match="2 chunks of 3 wait. Try again in 1 second") as refused:
        batcher.submit(network, chunks(3, 4))
    assert refused.value.retry_after_seconds == 1
    batcher._seconds_per_chunk = 2.5  # as if it had been measured
    with pytest.raises(QueueFullError) as refused:
        batcher.submit(network, chunks(3, 4))
    assert refused.value.retry_after_seconds == 3
    batcher.submit(network, chunks(3))  # there is room for one
    assert batcher.queued == 3
    batcher.submit(network, chunks(4, 5), admitted=True)
    assert batcher.queued == 5
    network.permits.release(100)


def test_a_request_larger_than_the_queue_is_an_error_for_good(make_batcher):
    with pytest.raises(TooManyChunksError, match="at most 3 chunks. Received: 4"):
        make_batcher(max_queued=3).submit(Network(), chunks(1, 2, 3, 4))


def test_chunks_of_a_client_that_left_are_not_run(make_batcher):
    batcher = make_batcher()
    network, _ = blocked(batcher)

    async def leave():
        task = asyncio.create_task(batcher.run(network, chunks(*range(10, 16))))
        stays = asyncio.create_task(batcher.run(network, chunks(20)))
        while batcher.queued < 7:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert batcher.queued == 1
        network.permits.release(100)
        return await stays

    np.testing.assert_array_equal(asyncio.run(leave()), chunks(40))
    assert network.batches == [[0], [20]]


def test_a_request_cancelled_within_a_batch_loses_only_the_rest(make_batcher):
    batcher = make_batcher(batch_chunks=2)
    network, _ = blocked(batcher)
    leaves, stays = batcher.submit(network, chunks(1, 2, 3, 4, 5)), batcher.submit(network, chunks(6, 7))
    network.permits.release()
    network.wait_for_a_batch()  # of 1 and 6
    leaves.cancel()
    network.permits.release(100)
    np.testing.assert_array_equal(stays.result(LIMIT_SECONDS), chunks(12, 14))
    assert network.batches == [[0], [1, 6], [7]]


def test_an_error_reaches_only_the_requests_of_its_batch(make_batcher):
    batcher = make_batcher(batch_chunks=2)
    network, _ = blocked(batcher)
    bad, mate, later = (batcher.submit(network, chunks(*values)) for values in ((-1, 1, 2), (5,), (6,)))
    network.permits.release(100)
    for future in (bad, mate):
        with pytest.raises(RuntimeError, match="negative"):
            future.result(LIMIT_SECONDS)
    np.testing.assert_array_equal(later.result(LIMIT_SECONDS), chunks(12))
    assert network.batches == [[0], [-1, 5], [6]]  # what was left of the bad request was dropped


def test_a_closed_batcher_fails_what_waits_and_takes_nothing(make_batcher):
    batcher = make_batcher()
    network, first = blocked(batcher)
    waits = batcher.submit(network, chunks(1))
    batcher.close()
    network.permits.release(100)
    np.testing.assert_array_equal(first.result(LIMIT_SECONDS), chunks(0))
    with pytest.raises(MusicTagError, match="stopped before"):
        waits.result(LIMIT_SECONDS)
    with pytest.raises(MusicTagError, match="is stopping"):
        batcher.submit(network, chunks(2))


def test_idle_means_that_nothing_waits_or_runs(make_batcher):
    sizes = []
    batcher = make_batcher(on_batch=sizes.append)
    network, first = blocked(batcher)
    assert batcher.queued == 0 and not batcher.is_idle  # it runs
    network.permits.release(100)
    first.result(LIMIT_SECONDS)
    batcher.submit(network, chunks(1, 2)).result(LIMIT_SECONDS)
    while not batcher.is_idle:
        pass
    assert sizes == [1, 2]

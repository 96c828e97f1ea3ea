"""A file that hangs or crashes its decoder costs that process and nothing else."""

import asyncio
import os
import signal
import time
from contextlib import aclosing
from dataclasses import dataclass, replace

import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag import AudioError
from keras_musictag.audio import Chunking
from keras_musictag.web.decoding import Cut, Decoded, DecoderLostError, Decoders, Probe, Restarted

CUT = Cut(str(kmt.demo_clip()), Chunking(hop_samples=4000), "anchor", 3600.0)


@dataclass(frozen=True)
class Hang:
    def answer(self, channel):
        time.sleep(60)
        yield


@dataclass(frozen=True)
class Crash:
    def answer(self, channel):
        os.kill(os.getpid(), signal.SIGSEGV)
        yield


@dataclass(frozen=True)
class TakeMemory:
    def answer(self, channel):
        yield len(np.ones(3 * 2**30, np.uint8))


@dataclass(frozen=True)
class Ask:
    def answer(self, channel):
        yield os.getpid()


def with_decoders(test, most=2):
    """Runs a coroutine function with decoders."""

    async def run():
        decoders = Decoders(most, kept=2, stall_seconds=60.0)
        try:
            return await test(decoders)
        finally:
            decoders.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("request_", "reason"),
    [(Hang(), "made no progress for 0.5 s"), (Crash(), "crashed"), (TakeMemory(), "too much memory")],
)
@pytest.mark.needs("linux")
def test_a_decoder_that_fails_is_replaced(request_, reason):
    async def test(decoders):
        await decoders.answer(Ask())
        (worker,) = decoders._idle
        if isinstance(request_, Hang):
            worker._stall_seconds = 0.5  # only now: a process takes longer to start
        with pytest.raises(AudioError, match=reason):
            await decoders.answer(request_)
        worker._stall_seconds = 60.0
        return await decoders.answer(Probe(str(kmt.demo_clip())))

    assert with_decoders(test).codec == "mp3"


def test_idle_processes_are_used_again():
    async def test(decoders):
        return {await decoders.answer(Ask()) for _ in range(5)}

    assert len(with_decoders(test)) == 1


def test_an_answer_that_is_left_early_ends_its_process():
    async def test(decoders):
        async with aclosing(decoders.answers(CUT)) as messages:
            async for _ in messages:
                (process,) = (worker.process for worker in decoders._busy)
                break
        while process.is_alive():
            await asyncio.sleep(0.01)
        assert decoders._idle == []
        return [type(message) async for message in decoders.answers(CUT)][-1]

    assert with_decoders(test, most=1) is Decoded


def test_a_cancelled_request_gives_its_place_back():
    async def test(decoders):
        task = asyncio.create_task(decoders.answer(Hang()))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await decoders.answer(Ask())

    assert with_decoders(test, most=1) > 0


def test_errors_have_no_path(tmp_path):
    async def test(decoders):
        with pytest.raises(AudioError) as missing:
            await decoders.answer(Probe(str(tmp_path / "missing.mp3")))
        with pytest.raises(AudioError) as folder:
            await decoders.answer(Probe(str(tmp_path)))
        return str(missing.value), str(folder.value)

    missing, folder = with_decoders(test)
    assert missing == "The file no longer exists."
    assert folder.startswith("The file cannot be read (") and str(tmp_path) not in folder


def test_spans_are_those_of_the_library(vgg):
    taggram = vgg.taggram(kmt.demo_clip(), hop_seconds=0.7)
    chunking = replace(vgg.chunking, hop_samples=11200)

    async def test(decoders):
        request = Cut(str(kmt.demo_clip()), chunking, "anchor", 3600.0)
        return [message async for message in decoders.answers(request)]

    _, *chunks, decoded = with_decoders(test)
    assert Restarted() not in chunks
    spans = np.concatenate([each.spans for each in chunks])
    assert np.array_equal(spans, np.stack([taggram.start_seconds, taggram.end_seconds], axis=1))
    assert decoded.seconds == taggram.duration_seconds


def test_work_aside_leaves_processes_to_tags():
    async def test(decoders):
        aside = [asyncio.create_task(decoders.answer(Hang(), aside=True)) for _ in range(8)]
        await asyncio.sleep(0.1)
        assert len(decoders._busy) <= 1
        found = await asyncio.wait_for(asyncio.gather(*[decoders.answer(Ask()) for _ in range(3)]), 30)
        assert len(decoders._busy) == 1
        for task in aside:
            task.cancel()
        await asyncio.gather(*aside, return_exceptions=True)
        return found

    assert all(with_decoders(test, most=4))


@pytest.mark.needs("posix")
def test_a_process_that_is_killed_is_not_the_fault_of_a_file():
    async def test(decoders):
        os.kill(await decoders.answer(Ask()), signal.SIGKILL)
        decoders._idle[0].process.join()
        second = await decoders.answer(Ask())  # by a new process
        hanging = asyncio.create_task(decoders.answer(Hang()))
        await asyncio.sleep(0.1)
        os.kill(second, signal.SIGKILL)
        with pytest.raises(DecoderLostError, match="killed"):
            await hanging
        return await decoders.answer(Ask())

    assert with_decoders(test, most=1) > 0

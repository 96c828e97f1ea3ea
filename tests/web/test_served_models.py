"""The models of a server: loaded once, shared by all clients, dropped when they take too much memory."""

import asyncio
import functools
import gc
import weakref

import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag.audio import read
from keras_musictag.errors import ExportError, UnknownNameError
from keras_musictag.web import ServerSettings, served_models
from keras_musictag.web.served_models import ModelLoadError, ModelPool

FOUR = ("musicnn-mtat-v1", "musicnn-msd-v1", "vgg-mtat-v1", "vgg-msd-v1")


@pytest.fixture
def loads(monkeypatch, vgg):
    """The names of the models that were loaded; each is the vgg that all tests share."""
    names = []
    monkeypatch.setattr(served_models, "load", lambda name, engine: names.append((name, engine)) or vgg)
    return names


def run(settings: ServerSettings, work):
    """Runs an async function of a pool."""

    async def main():
        pool = ModelPool(settings)
        try:
            return await work(pool)
        finally:
            await pool.close()

    return asyncio.run(main())


@functools.cache
def clip() -> np.ndarray:
    return read(kmt.demo_clip()).samples


def chunks(count: int) -> np.ndarray:
    samples = clip()
    return np.stack([samples[i * 40_000 :][:48128] for i in range(count)])


def test_the_bundled_models_are_offered_and_musicnn_is_the_default(loads):
    async def look(pool):
        await pool.start()
        return [*pool.cards], pool.is_loaded(pool.default), pool.is_ready

    names, is_loaded, is_ready = run(ServerSettings(), look)
    assert set(FOUR) <= {*names} and names[0] == "musicnn-mtat-v1" and is_loaded and is_ready
    assert loads == [("musicnn-mtat-v1", None)]


def test_named_models_are_offered_in_order_and_loaded_in_their_engine(loads):
    async def look(pool):
        await pool.start()
        with pytest.raises(UnknownNameError, match="Did you mean 'vgg-mtat-v1'"):
            await pool.get("vgg-mtat")
        return [*pool.cards]

    assert run(ServerSettings(models=("vgg-mtat-v1", "musicnn-msd-v1"), engine="onnx"), look) == [
        "vgg-mtat-v1",
        "musicnn-msd-v1",
    ]
    assert loads == [("vgg-mtat-v1", "onnx"), ("musicnn-msd-v1", "onnx")]


def test_many_clients_load_a_model_once_even_if_the_first_leaves(loads):
    async def ask(pool):
        tasks = [asyncio.create_task(pool.get("vgg-mtat-v1")) for _ in range(5)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        return await asyncio.gather(*tasks[1:])

    first, *others = run(ServerSettings(), ask)
    assert all(model is first for model in others) and len(loads) == 1


def test_a_model_that_failed_to_load_is_tried_again(loads, monkeypatch):
    def fail(name, engine):
        raise ExportError("onnx is not installed.")

    async def ask(pool):
        with monkeypatch.context() as patch:
            patch.setattr(served_models, "load", fail)
            with pytest.raises(ModelLoadError, match="'vgg-mtat-v1' could not be loaded. onnx is not installed"):
                await pool.get("vgg-mtat-v1")
        return (await pool.get("vgg-mtat-v1")).name

    assert run(ServerSettings(), ask) == "vgg-mtat-v1"


def test_scores_are_the_taggers_whatever_shares_the_batch(vgg):
    async def ask(pool):
        model = await pool.get("vgg-mtat-v1")
        waveforms = chunks(9)
        together = await asyncio.gather(*(model.run(waveforms[i : i + 3]) for i in (0, 3, 6)))
        alone = await model.run(waveforms[4:5])
        return waveforms, np.concatenate(together), alone, await model.embed(waveforms[:2])

    waveforms, together, alone, embedding = run(ServerSettings(), ask)
    expected = vgg.runner()(waveforms)
    # float32 sums in another order
    np.testing.assert_allclose(together, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(alone[0], expected[4], rtol=0, atol=1e-6)
    np.testing.assert_allclose(embedding, vgg.runner(vgg.embedding_layer)(waveforms[:2]), rtol=1e-4, atol=1e-5)


def test_the_model_used_longest_ago_is_dropped_unless_it_works(loads):
    async def ask(pool):
        taken = []
        for name in FOUR[:3]:
            taken.append(await pool.get(name))
            taken[-1].memory_bytes = 100
        await pool.get(FOUR[0])  # now FOUR[1] was used longest ago, then FOUR[2]
        work = asyncio.create_task(taken[1].run(chunks(4)))
        await asyncio.sleep(0)
        new = await pool.get(FOUR[3])
        left = [model.name for model in pool.loaded]
        scores = await work
        return left, scores.shape, new.memory_bytes

    left, shape, memory = run(ServerSettings(max_memory_bytes=300), ask)
    assert memory > 300  # so that all others would have to go
    assert FOUR[3] in left and FOUR[0] not in left and FOUR[2] not in left and shape == (4, 50)


def test_a_dropped_model_works_for_those_who_hold_it_then_goes(loads):
    async def ask(pool):
        held = await pool.get(FOUR[0])
        await pool.get(FOUR[1])
        assert not pool.is_loaded(FOUR[0])
        scores, batcher, gone = await held.run(chunks(1)), held.batcher, weakref.ref(held)
        del held
        gc.collect()
        return scores.shape, gone(), batcher._closed

    assert run(ServerSettings(max_memory_bytes=1), ask) == ((1, 50), None, True)


def test_the_pool_reports_each_batch(loads):
    batches = []

    async def ask():
        pool = ModelPool(ServerSettings(), lambda name, size: batches.append((name, size)))
        model = await pool.get(FOUR[0])
        await model.run(chunks(2))
        while not model.batcher.is_idle:
            await asyncio.sleep(0.001)
        await pool.close()

    asyncio.run(ask())
    assert batches == [(FOUR[0], 2)]

"""In a process that was forked too late, calls that would hang raise an error at once, and everything else works."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag import errors, processes
from keras_musictag.audio import read
from keras_musictag.zoo import arrays_of

pytestmark = pytest.mark.needs("posix")  # other systems have no forks
LIMIT_SECONDS = 60  # a call that takes longer hangs


def in_fork(work):
    """What `work()` returns or raises in a forked process."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            found = work()
        except BaseException as error:
            found = error
        os.write(writer, pickle.dumps(found))
        os._exit(0)
    os.close(writer)
    deadline = time.monotonic() + LIMIT_SECONDS
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail("the forked process hangs")
        time.sleep(0.01)
    with os.fdopen(reader, "rb") as pipe:
        return pickle.loads(pipe.read())


@pytest.fixture(scope="module")
def noise():
    return np.random.RandomState(0).uniform(-0.1, 0.1, 64000).astype(np.float32)


def test_calls_that_would_hang_raise_and_advise_spawn(vgg, noise, tmp_path):
    run, batch = vgg.runner(), noise[None, : vgg.spec.chunking.chunk_samples]
    targets = np.zeros((1, len(vgg.vocabulary)), np.float32)
    file = tmp_path / "vgg.keras"
    vgg.save(file)
    calls = {
        "tag": lambda: vgg.tag(noise, 16000),
        "taggram": lambda: vgg.taggram(noise, 16000),
        "embed": lambda: vgg.embed(noise, 16000),
        "runner": lambda: run(batch),
        "call": lambda: vgg(batch),
        "predict": lambda: vgg.predict(batch),
        "predict_on_batch": lambda: vgg.predict_on_batch(batch),
        "evaluate": lambda: vgg.evaluate(batch),
        "fit": lambda: vgg.fit(batch),
        "train_on_batch": lambda: vgg.train_on_batch(batch, targets),
        "test_on_batch": lambda: vgg.test_on_batch(batch, targets),
        "load": lambda: kmt.load("vgg"),
        "load a file": lambda: kmt.load(file),
        "build": lambda: kmt.build("vgg", ["a"]),
    }

    def refusals():
        found = {}
        for name, call in calls.items():
            try:
                call()
            except kmt.MusicTagError as error:
                found[name] = str(error)
        return found

    found = in_fork(refusals)
    assert found.keys() == calls.keys()
    assert all("forked after TensorFlow had run" in text and "get_context('spawn')" in text for text in found.values())


def test_a_pool_returns_the_error_of_a_tagger(vgg, noise):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        sent = pool.map_async(
            vgg.tag, [noise]
        )  # pickled: an error in unpickling would end the worker, and hang the pool
        with pytest.raises(kmt.MusicTagError, match="forked after TensorFlow"):
            sent.get(LIMIT_SECONDS)


def test_a_tagger_sent_to_a_fork_raises_on_any_access(vgg):
    content = vgg.__reduce__()[1][0]

    def names():
        return type(vgg)._unpickle_model(content).vocabulary.names

    assert "forked after TensorFlow had run" in str(in_fork(names))


def test_a_fork_reads_audio_and_weights(vgg):
    assert in_fork(lambda: len(read(kmt.demo_clip(), 16000).samples)) == len(read(kmt.demo_clip(), 16000).samples)
    assert in_fork(lambda: len(arrays_of(vgg))) == len(arrays_of(vgg))


def test_an_engine_works_in_a_fork(exported_vgg_onnx, noise):
    engine = kmt.EngineTagger(exported_vgg_onnx, threads=2)
    expected = engine.taggram(noise, 16000).scores
    # the same runtime on the same input, apart from the order of its threads' sums
    np.testing.assert_allclose(in_fork(lambda: engine.taggram(noise, 16000).scores), expected, atol=1e-6)


BEFORE_AND_AFTER = """
import os, sys
import numpy as np
import keras_musictag as kmt

def in_fork():
    child = os.fork()
    if child == 0:
        try:
            print(len(kmt.load("vgg").tag(np.zeros(64000, np.float32), 16000).tags), flush=True)
        except kmt.MusicTagError as error:
            print(error, flush=True)
        os._exit(0)
    os.waitpid(child, 0)

import tensorflow as tf
in_fork()
tf.constant(1.0)  # outside this package; TensorFlow starts its threads
in_fork()
"""


def test_only_a_fork_after_tensorflow_ran_is_rejected():
    command = [sys.executable, "-c", BEFORE_AND_AFTER]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    before, after = done.stdout.splitlines()
    assert before == "10"
    assert "forked after TensorFlow had run in its parent" in after


@pytest.mark.parametrize("name", [name for name in vars(errors) if name.endswith("Error")])
def test_every_error_can_be_pickled(name):
    error = getattr(errors, name)("what is wrong")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))


def test_nothing_is_rejected_in_this_process(vgg):
    processes.refuse_after_fork()
    assert keras.backend.backend() == "tensorflow" and vgg.vocabulary

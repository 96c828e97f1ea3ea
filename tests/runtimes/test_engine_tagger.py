"""An `EngineTagger` gives what the `Tagger` gives, and loads neither TensorFlow nor Keras."""

import inspect
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag.audio import read
from keras_musictag.bundled_files import bundled
from keras_musictag.runtimes import EngineTagger
from keras_musictag.user_folders import HOME_VARIABLE
from keras_musictag.zoo.engine_cache import cache_name
from keras_musictag.zoo.resolving import resolve

# float32 in another runtime: sums in another order
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def engine(exported_vgg_onnx):
    return EngineTagger(exported_vgg_onnx)


def test_it_knows_what_the_tagger_knows(engine, vgg):
    for name in ("name", "vocabulary", "sample_rate", "chunk_seconds"):
        assert getattr(engine, name) == getattr(vgg, name)
    assert repr(engine).startswith("EngineTagger(vgg-mtat-v1, onnx, float32: ")


@pytest.mark.parametrize("method", ["tag", "taggram", "embed"])
def test_the_calls_take_what_the_taggers_take(method):
    ours, theirs = (inspect.signature(getattr(cls, method)) for cls in (EngineTagger, kmt.Tagger))
    assert ours == theirs


@pytest.mark.parametrize(
    "options",
    [{}, {"aggregate": "max", "top": 3}, {"tail": "drop"}, {"tail": "pad", "hop_seconds": 5.5, "top": None}],
)
def test_tags_of_a_file_are_the_taggers(engine, vgg, options):
    found, wanted = engine.tag(kmt.demo_clip(), **options), vgg.tag(kmt.demo_clip(), **options)
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in wanted.tags]
    np.testing.assert_allclose(found.scores, wanted.scores, atol=TOLERANCE)
    assert (found.num_chunks, found.track) == (wanted.num_chunks, wanted.track)


def test_taggram_and_embedding_of_an_array_are_the_taggers(engine, vgg):
    samples = read(kmt.demo_clip(), 22050).samples[:200_000]
    found, wanted = engine.taggram(samples, 22050), vgg.taggram(samples, 22050)
    np.testing.assert_allclose(found.scores, wanted.scores, atol=TOLERANCE)
    np.testing.assert_array_equal(found.start_seconds, wanted.start_seconds)
    np.testing.assert_array_equal(found.end_seconds, wanted.end_seconds)
    embedding = vgg.embed(samples, 22050)
    for layer in (None, "embedding"):
        np.testing.assert_allclose(engine.embed(samples, 22050, layer), embedding, rtol=1e-3, atol=1e-4)


def test_a_track_shorter_than_a_chunk_is_noted(engine, vgg):
    samples = read(kmt.demo_clip()).samples[:16000]
    assert engine.tag(samples, 16000).notes == vgg.tag(samples, 16000).notes != ()


def test_errors_are_the_taggers(engine):
    with pytest.raises(kmt.UnknownNameError, match="aggregate"):
        engine.tag(kmt.demo_clip(), aggregate="sum")
    with pytest.raises(ValueError, match="`top`"):
        engine.tag(kmt.demo_clip(), top=0)
    with pytest.raises(FileNotFoundError):
        engine.tag("gone.mp3")
    with pytest.raises(kmt.UnknownNameError, match="There is no layer of an exported model 'conv1'. Known: embedding"):
        engine.embed(kmt.demo_clip(), layer="conv1")


PROGRAM = """
import json, sys
import keras_musictag as kmt
engines = [kmt.EngineTagger(sys.argv[1], threads=1), kmt.load(sys.argv[2], engine="onnx")]
tags = [[tag for tag, _ in engine.tag(kmt.demo_clip(), top=3).tags] for engine in engines]
print(json.dumps([sorted({m.partition(".")[0] for m in sys.modules}), tags]))
"""


def test_neither_tensorflow_nor_keras_is_loaded(exported_vgg_onnx, vgg, tmp_path):
    """`load` does not load them either if the user's cache contains the export."""
    entry = bundled("zoo") / "vgg-mtat-v1"
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / cache_name(resolve(entry), "onnx", "float32", None)).symlink_to(exported_vgg_onnx)
    command = [sys.executable, "-c", PROGRAM, exported_vgg_onnx, entry]
    environment = {**os.environ, HOME_VARIABLE: str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded, tags = json.loads(done.stdout)
    assert not {"tensorflow", "keras", "kapre", "librosa"} & set(loaded)
    assert "onnxruntime" in loaded
    assert tags == [[tag for tag, _ in vgg.tag(kmt.demo_clip(), top=3).tags]] * 2


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_threads_are_counted_from_one(exported_vgg_onnx, threads):
    with pytest.raises(ValueError, match=rf"`threads` must be a whole number of 1 or more.* Received: {threads!r}\."):
        EngineTagger(exported_vgg_onnx, threads)


def test_a_folder_that_is_no_export_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no artefact.json"):
        EngineTagger(tmp_path)

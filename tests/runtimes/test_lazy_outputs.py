"""Outputs are computed once, on first use; engines that run once per output rely on it."""

import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag.runtimes.engine_tagger import LazyOutputs
from keras_musictag.runtimes.formats import keras


def test_an_output_is_computed_once_on_first_use():
    computed = []

    def compute(name):
        computed.append(name)
        return np.zeros(3)

    outputs = LazyOutputs(["scores", "embedding"], compute)
    assert list(outputs) == ["scores", "embedding"] and len(outputs) == 2 and not computed
    assert outputs["embedding"] is outputs["embedding"] and computed == ["embedding"]
    with pytest.raises(KeyError, match="logits"):
        outputs["logits"]
    assert computed == ["embedding"]


def test_a_keras_file_runs_only_for_the_requested_output(vgg, tmp_path, monkeypatch):
    vgg.save(tmp_path / keras.MODEL_FILE)
    runner, ran = kmt.Tagger.runner, []

    def counted(tagger, layer=None):
        run = runner(tagger, layer)
        return lambda batch: [ran.append(layer), run(batch)][1]

    monkeypatch.setattr(kmt.Tagger, "runner", counted)
    chunk = np.zeros((1, vgg.spec.chunking.chunk_samples), np.float32)
    outputs = keras.open_model(tmp_path, None)(chunk)
    assert outputs["scores"].shape == (1, 50) and ran == [None]
    assert outputs["embedding"].shape == (1, 256) and ran == [None, vgg.embedding_layer]

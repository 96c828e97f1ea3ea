"""An exported folder holds, next to the model, its settings, its tags and hashes."""

import csv
import dataclasses

import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag.architectures import musicnn, short_chunk_cnn
from keras_musictag.layers import MelFilterbank
from keras_musictag.runtimes import read_artefact
from keras_musictag.runtimes.artefact import sha256_of
from keras_musictag.runtimes.export_folder import complete_folder, mel_bands
from keras_musictag.tagger import Tagger


def completed(tagger, folder, format="onnx"):
    settings = {"precision": "float32", "input": "waveform", "batch": None, "tolerance": 1.0, "licences": None}
    return complete_folder(tagger, folder, format=format, **settings)


def test_the_artefact_says_what_was_exported(exported_vgg_onnx, vgg):
    artefact = read_artefact(exported_vgg_onnx)
    assert (artefact.name, artefact.format, artefact.precision) == (vgg.name, "onnx", "float32")
    assert (artefact.input, artefact.input_shape) == ("waveform", (48128,))
    assert artefact.outputs == {"scores": (50,), "embedding": (256,)}
    assert artefact.model == vgg.spec.to_dict()
    assert artefact.vocabulary == vgg.vocabulary
    assert artefact.chunking == vgg.spec.chunking
    assert artefact.licences["weights"] == "ISC"
    assert artefact.versions["keras_musictag"] == kmt.__version__
    assert {"tensorflow", "keras", "onnxruntime"} <= artefact.versions.keys()
    assert artefact.files == {"model.onnx": sha256_of(exported_vgg_onnx / "model.onnx")}


def test_the_tags_are_in_the_order_of_the_scores(exported_vgg_onnx, vgg):
    rows = list(csv.DictReader((exported_vgg_onnx / "tags.csv").read_text("utf-8").splitlines()))
    assert [row["tag"] for row in rows] == list(vgg.vocabulary)
    assert [row["group"] for row in rows] == list(vgg.vocabulary.groups)
    assert [int(row["index"]) for row in rows] == list(range(50))


def test_warm_up_requests_may_be_removed(tiny, tmp_path):
    for name in ("saved_model.pb", "variables/variables.index", "assets.extra/tf_serving_warmup_requests"):
        (tmp_path / "1" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "1" / name).write_text(name)
    artefact = completed(tiny, tmp_path, "savedmodel")
    assert set(artefact.files) == {"1/saved_model.pb", "1/variables/variables.index"}


@pytest.mark.parametrize("format, activation", [("onnx", "sigmoid"), ("keras", None)])
def test_a_tagger_of_logits_stays_one_in_keras_alone(tiny, tmp_path, format, activation):
    logits = Tagger(dataclasses.replace(tiny.spec, classifier_activation=None))
    (tmp_path / "model").write_text("model")
    artefact = completed(logits, tmp_path, format)
    assert artefact.model == {**tiny.spec.to_dict(), "classifier_activation": activation}


@pytest.mark.parametrize("config", [musicnn.FRONTEND, short_chunk_cnn.FRONTEND])
def test_the_mel_matrix_is_the_layers_own(config):
    edges_hz, htk = (config.fmin_hz, config.fmax_hz), config.mel_scale == "htk"
    layer = MelFilterbank(config.sample_rate_hz, config.num_mels, *edges_hz, htk, config.mel_norm)
    layer.build((None, None, config.window_samples // 2 + 1, 1))
    found = mel_bands(config)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, layer.matrix)

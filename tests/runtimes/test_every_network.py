"""Every architecture, in a small size, converts to LiteRT, ONNX and OpenVINO, and gives Keras's scores there."""

import functools

import numpy as np
import onnx
import openvino
import pytest

from keras_musictag import architectures
from keras_musictag.runtimes import formats
from keras_musictag.runtimes.formats import _litert_file, _litert_quantise, litert
from keras_musictag.runtimes.formats.onnx import _nodes
from tests.runtimes.networks import convert_in_this_process, largest_differences, random_tagger, some_music, written
from tests.small_sizes import small_sizes

# operators that show that a network is converted as intended: loops of GRUs, the exact GELU
MEANT = {("crnn", "litert"): "WHILE", ("crnn", "onnx"): "Loop", ("crnn", "openvino"): "Loop"}
MEANT |= {("self_attention", "onnx"): "Erf"}


@functools.cache
def small_tagger(name):
    tagger = random_tagger(name, *small_sizes(name))
    return tagger, some_music(tagger)


CONVERTED = {}  # what LiteRT's converter gives, by network: it is the same in every precision


@pytest.fixture(autouse=True)
def each_network_is_converted_once(monkeypatch):
    def converted(network, name):
        if name not in CONVERTED:
            CONVERTED[name] = _litert_file.write_model(convert_in_this_process(network, name))
        return _litert_file.read_model(CONVERTED[name])

    monkeypatch.setattr(litert, "_converted", converted)


OPERATORS = {
    "litert": lambda folder: _litert_file.operators(_litert_file.read_model((folder / "model.tflite").read_bytes())),
    "onnx": lambda folder: {node.op_type for node in _nodes(onnx.load(folder / "model.onnx").graph)},
    "openvino": lambda folder: {
        node.get_type_name() for node in openvino.Core().read_model(folder / "model.xml").get_ops()
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("name", architectures.names())
@pytest.mark.parametrize("format", OPERATORS)
def test_it_converts_and_gives_keras_scores(name, format, tmp_path):
    tagger, music = small_tagger(name)
    assert np.ptp(music.scores) > 0.05
    exported = written(tagger, tmp_path, format)
    operators = OPERATORS[format](tmp_path)
    assert MEANT.get((name, format), next(iter(operators))) in operators
    # LiteRT's list calls foreign operators "custom"
    assert not any(operator.startswith("custom ") for operator in operators)
    scores, embeddings = largest_differences(exported, {"music": music})
    assert scores < formats.get(format).PRECISIONS["float32"]
    # decibels of silent bands, and untrained weights: 9.3e-4 for short_chunk_cnn in OpenVINO
    assert embeddings < (2e-3 if name == "short_chunk_cnn" else 1e-3)


# The scores of untrained networks with a few filters move by up to 3e-3 and 7e-2, and in float32 by 1.5e-4.
@pytest.mark.slow
@pytest.mark.parametrize("name", architectures.names())
@pytest.mark.parametrize("precision, closest, furthest", [("float16", 1e-5, 1e-2), ("int8", 5e-4, 0.2)])
def test_litert_rounds_it_and_stays_close(name, precision, closest, furthest, tmp_path, monkeypatch):
    monkeypatch.setattr(_litert_quantise, "MIN_WEIGHT_SIZE", 1)  # so small networks have no large weights
    tagger, music = small_tagger(name)
    scores, _ = largest_differences(written(tagger, tmp_path, "litert", precision), {"music": music})
    assert closest < scores < furthest

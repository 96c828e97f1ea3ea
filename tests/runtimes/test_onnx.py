"""ONNX files give Keras's scores in ONNX Runtime, for any batch size, and contain only standard operators."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf

from keras_musictag.errors import ExportError
from keras_musictag.runtimes import export_network, read_artefact
from keras_musictag.runtimes.check_signals import keras_outputs
from keras_musictag.runtimes.formats import onnx as onnx_export
from keras_musictag.runtimes.formats.onnx import MODEL_FILE, open_model
from tests.runtimes.networks import PROBE, check_threads_share, largest_differences, written

ROOT = Path(__file__).parents[2]


def model_of(folder):
    return onnx.load(folder / MODEL_FILE)


@pytest.fixture(scope="module")
def signals(vgg):
    return keras_outputs(vgg, "waveform")


@pytest.fixture(scope="module")
def float32(exported_vgg_onnx):
    return exported_vgg_onnx, read_artefact(exported_vgg_onnx)


@pytest.fixture(scope="module")
def float16(musicnn, tmp_path_factory):
    return written(musicnn, tmp_path_factory.mktemp("float16"), "onnx", "float16")


def test_float32_gives_keras_scores_and_embeddings(float32, signals):
    scores, embeddings = largest_differences(float32, signals)
    assert scores < 1e-5 and embeddings < 1e-4  # round-off; the tolerance leaves room for decibels of silent bands


def test_float16_is_half_as_large_and_close(musicnn, float16, musicnn_expected):
    scores, embeddings = largest_differences(float16, musicnn_expected)
    assert 1e-5 < scores < onnx_export.PRECISIONS["float16"]
    assert embeddings < 2e-2
    assert (float16[0] / MODEL_FILE).stat().st_size < 0.57 * 4 * musicnn.count_params()  # with mel matrix and vectors


def test_float16_leaves_the_front_end_and_vectors_in_float32(float16):
    """No number of the mel matrix or of the normalisation of 1506 channels is rounded; all other large weights are."""
    large = [(tuple(t.dims), t.data_type) for t in model_of(float16[0]).graph.initializer if np.prod(t.dims) >= 1024]
    vectors = [(shape, kind) for shape, kind in large if np.prod(shape) == max(shape)]
    assert vectors == [((1506,), onnx.TensorProto.FLOAT)] * 2  # scale and offset
    kinds = {shape: kind for shape, kind in large if np.prod(shape) > max(shape)}
    assert kinds.pop((257, 96)) == onnx.TensorProto.FLOAT
    assert len(kinds) >= 9 and set(kinds.values()) == {onnx.TensorProto.FLOAT16}


def test_a_batch_of_any_size_gives_what_one_by_one_gives(float32, signals):
    run = open_model(*float32, threads=1)
    chunks = signals["music"].inputs
    together, apart = run(chunks), [run(chunk[None]) for chunk in chunks]
    assert len(chunks) > 2
    for name, atol in (("scores", 2e-6), ("embedding", 1e-5)):  # sums in another order
        np.testing.assert_allclose(together[name], np.concatenate([one[name] for one in apart]), rtol=0, atol=atol)


def test_threads_may_share_an_engine(float32, signals):
    check_threads_share(float32, signals["music"].inputs[:6])


def test_the_file_says_its_names_shapes_tags_and_settings(vgg, float32):
    model = model_of(float32[0])
    assert {opset.domain: opset.version for opset in model.opset_import}[""] == 18
    assert {node.domain for node in onnx_export._nodes(model.graph)} == {""}
    described = {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert described == {"waveform": ["batch", 48128], "scores": ["batch", 50], "embedding": ["batch", 256]}
    assert list(described) == ["waveform", "scores", "embedding"]
    found = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(found["tags"]) == list(vgg.vocabulary)
    assert json.loads(found["model"]) == vgg.spec.to_dict()
    assert (found["name"], found["sample_rate_hz"]) == (vgg.name, "16000")


def test_added_operators_compute_what_their_names_say(tmp_path):
    inputs = keras.Input((3, 512), name="waveform")
    real, imaginary = keras.ops.rfft(inputs)
    outputs = {"real": real, "imaginary": imaginary, "log1p": keras.ops.log1p(inputs**2)}

    class Erfc(keras.layers.Layer):
        def call(self, x):
            return tf.math.erfc(x)

    network = keras.Model(inputs, {**outputs, "erfc": Erfc()(inputs)})
    path = tmp_path / "model.onnx"
    onnx.save(onnx_export._converted(network, "operators"), path)

    x = np.random.default_rng(0).normal(size=(2, 3, 512)).astype(np.float32)
    session = onnxruntime.InferenceSession(path)
    found = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"waveform": x}), strict=True))
    spectrum = np.fft.rfft(x.astype(np.float64))
    error = np.abs(found["real"] + 1j * found["imaginary"] - spectrum).max()
    assert error < 1e-7 * np.abs(spectrum).max()  # as close as float32 allows; computed in float32, it would be 3e-7
    np.testing.assert_allclose(found["log1p"], np.log1p(x**2), rtol=0, atol=2e-6)
    np.testing.assert_allclose(found["erfc"], tf.math.erfc(x), rtol=0, atol=2e-6)


def write_network(monkeypatch, tiny, folder, operation, shape=(3, 3)):
    """Exports one operation on the input instead of a tagger's network."""
    inputs = keras.Input(shape, name="waveform")
    network = keras.Model(inputs, {"scores": operation(inputs), "embedding": inputs})
    monkeypatch.setattr(export_network, "exported_network", lambda *_: network)
    onnx_export.write(tiny, folder, "float32", "waveform")


def test_an_operator_that_does_not_convert_is_named(tiny, tmp_path, monkeypatch):
    with pytest.raises(ExportError, match="'vgg' needs operators that ONNX does not have: Cholesky"):
        write_network(monkeypatch, tiny, tmp_path, keras.ops.cholesky)
    assert not list(tmp_path.iterdir())


def test_what_stops_tf2onnx_is_one_sentence(tiny, tmp_path, monkeypatch):
    def from_function(*_, **__):
        raise ValueError("no handler.\n\n  Name: RFFT")

    monkeypatch.setattr("tf2onnx.convert.from_function", from_function)
    with pytest.raises(ExportError, match="tf2onnx refuses 'vgg': ValueError: no handler. Name: RFFT"):
        write_network(monkeypatch, tiny, tmp_path, lambda x: x * 3)


def test_a_spectrum_of_cut_frames_is_not_supported(tiny, tmp_path, monkeypatch):
    with pytest.raises(ExportError, match="'vgg' needs operators that ONNX does not have: RFFT"):
        write_network(monkeypatch, tiny, tmp_path, lambda x: keras.ops.rfft(x, fft_length=1024)[0], shape=(3, 2048))


def test_what_the_checker_refuses_is_one_sentence(tiny, tmp_path, monkeypatch):
    def damage(graph):
        node = next(node for node in graph.node if node.op_type == "Mul")
        node.attribute.append(onnx.helper.make_attribute("nonsense", 1))

    monkeypatch.setattr(onnx_export, "_name_the_batch", damage)
    message = "ONNX's checker refuses 'vgg': ValidationError: Unrecognized attribute: nonsense for operator Mul"
    with pytest.raises(ExportError, match=message) as raised:
        write_network(monkeypatch, tiny, tmp_path, lambda x: x * 3)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("package", ["onnx", "tf2onnx", "onnxruntime"])
def test_a_missing_package_is_named_before_the_conversion(package, tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)  # which Python treats as "not installed"
    monkeypatch.setattr(export_network, "exported_network", None)
    with pytest.raises(
        ExportError,
        match=rf'ONNX needs the package {package}, .*pip install "keras-musictag\[export\]"',
    ):
        onnx_export.write(tiny, tmp_path, "float32", "waveform")


@pytest.mark.needs("linux")  # which lists threads
def test_the_engine_uses_its_threads_and_no_tensorflow(float32):
    command = [sys.executable, "-c", PROBE, str(float32[0]), "[1, 3]"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    (of_one, of_three), loaded = json.loads(done.stdout)
    assert (of_three - of_one, loaded) == (2, [])

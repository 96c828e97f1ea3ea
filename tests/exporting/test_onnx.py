"""ONNX files: they give Keras's scores in ONNX Runtime, for any batch size, and hold standard operators only."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf

import keras_musictag as kmt
from keras_musictag.architectures import self_attention
from keras_musictag.engines.onnx import MODEL_FILE, open_model
from keras_musictag.errors import ExportError
from keras_musictag.exporting import onnx as onnx_export
from keras_musictag.exporting.folder import complete_folder
from keras_musictag.exporting.graph import graph_of
from keras_musictag.exporting.signals import expected
from tests.exporting.networks import random_tagger, some_music

ROOT = Path(__file__).parents[2]


def written(tagger, folder, precision="float32", form="waveform"):
    """An exported folder and its artefact, without the comparison."""
    assert onnx_export.write(tagger, folder, precision, form) is None
    settings = {"licences": None, "tolerance": 1.0, "batch": None}
    return folder, complete_folder(tagger, folder, format="onnx", precision=precision, input=form, **settings)


def model_of(folder):
    return onnx.load(folder / MODEL_FILE)


def operators(model):
    return {node.op_type for node in onnx_export._nodes(model.graph)}


def largest_differences(exported, wanted):
    """Of scores, and of embeddings as a share of the largest value, over all signals."""
    run = open_model(*exported, threads=1)
    scores, embeddings = [], []
    for signal in wanted.values():
        outputs = run(signal.inputs)
        assert outputs["scores"].dtype == outputs["embedding"].dtype == np.float32
        scores.append(np.abs(outputs["scores"] - signal.scores).max())
        embeddings.append(np.abs(outputs["embedding"] - signal.embedding).max() / np.abs(signal.embedding).max())
    return max(scores), max(embeddings)


@pytest.fixture(scope="module")
def signals(vgg):
    return expected(vgg, "waveform")


@pytest.fixture(scope="module")
def float32(vgg, tmp_path_factory):
    return written(vgg, tmp_path_factory.mktemp("float32"))


@pytest.fixture(scope="module")
def float16(vgg, tmp_path_factory):
    return written(vgg, tmp_path_factory.mktemp("float16"), "float16")


def test_float32_gives_keras_scores_and_embeddings(float32, signals):
    scores, embeddings = largest_differences(float32, signals)
    assert scores < 1e-5 and embeddings < 1e-4  # round-off; the tolerance leaves room for decibels of silent bands


def test_float16_is_half_as_large_and_close(float16, float32, signals):
    scores, embeddings = largest_differences(float16, signals)
    assert 1e-5 < scores < onnx_export.PRECISIONS["float16"]
    assert embeddings < 2e-2
    sizes = [(folder / MODEL_FILE).stat().st_size for folder, _ in (float16, float32)]
    assert sizes[0] < 0.55 * sizes[1]


def test_the_front_end_of_float16_is_float32(float16):
    """Of the mel matrix, no number is rounded; of every large weight behind it, all are."""
    kinds = {tuple(t.dims): t.data_type for t in model_of(float16[0]).graph.initializer if np.prod(t.dims) >= 1024}
    assert kinds.pop((257, 96)) == onnx.TensorProto.FLOAT
    assert kinds == dict.fromkeys([(128, 1, 3, 3), (128, 128, 3, 3), (256, 50)], onnx.TensorProto.FLOAT16)


def test_log_mel_in_gives_what_the_waveform_gives(vgg, tmp_path):
    exported = written(vgg, tmp_path, form="log-mel")
    assert "DFT" not in operators(model_of(tmp_path))
    scores, embeddings = largest_differences(exported, expected(vgg, "log-mel"))
    assert scores < 1e-5 and embeddings < 1e-4


def test_a_batch_of_any_size_gives_what_one_by_one_gives(float32, signals):
    run = open_model(*float32, threads=1)
    chunks = signals["music"].inputs
    together, apart = run(chunks), [run(chunk[None]) for chunk in chunks]
    assert len(chunks) > 2
    for name, atol in (("scores", 2e-6), ("embedding", 1e-5)):  # sums in another order
        np.testing.assert_allclose(together[name], np.concatenate([one[name] for one in apart]), rtol=0, atol=atol)


# reflected ends, decibels and the loops of GRUs; the exact GELU of transformers
SMALL_ATTENTION = self_attention.Config(filters=(16,) * 7, heads=2, units=32)


@pytest.mark.parametrize("name, config, operator", [("crnn", None, "Loop"), ("self_attention", SMALL_ATTENTION, "Erf")])
def test_other_kinds_of_network_convert(name, config, operator, tmp_path):
    tagger = random_tagger(name, chunk_seconds=2, config=config)
    exported = written(tagger, tmp_path)
    assert operator in operators(model_of(tmp_path))
    scores, embeddings = largest_differences(exported, {"music": some_music(tagger)})
    assert scores < onnx_export.PRECISIONS["float32"] and embeddings < 1e-3


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


def test_the_operators_that_were_added_compute_what_they_are_called(tmp_path):
    inputs = keras.Input((3, 512), name="waveform")
    real, imaginary = keras.ops.rfft(inputs)
    outputs = {"real": real, "imaginary": imaginary, "log1p": keras.ops.log1p(inputs**2)}

    class Erfc(keras.layers.Layer):
        def call(self, x):
            return tf.math.erfc(x)

    network = keras.Model(inputs, {**outputs, "erfc": Erfc()(inputs)})
    import tf2onnx

    path = tmp_path / "model.onnx"
    onnx.save(onnx_export._converted(tf2onnx, graph_of(network)), path)
    import onnxruntime

    x = np.random.default_rng(0).normal(size=(2, 3, 512)).astype(np.float32)
    session = onnxruntime.InferenceSession(path)
    found = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"waveform": x}), strict=True))
    spectrum = np.fft.rfft(x.astype(np.float64))
    error = np.abs(found["real"] + 1j * found["imaginary"] - spectrum).max()
    assert error < 1e-7 * np.abs(spectrum).max()  # as near as float32 is; computed in float32, it would be 3e-7
    np.testing.assert_allclose(found["log1p"], np.log1p(x**2), rtol=0, atol=2e-6)
    np.testing.assert_allclose(found["erfc"], tf.math.erfc(x), rtol=0, atol=2e-6)


def test_an_operator_that_does_not_convert_is_named(tiny, tmp_path, monkeypatch):
    inputs = keras.Input((3, 3), name="waveform")
    network = keras.Model(inputs, {"scores": keras.ops.cholesky(inputs), "embedding": inputs})
    monkeypatch.setattr(onnx_export, "exported_network", lambda *_: network)
    with pytest.raises(ExportError, match="does not have: Cholesky"):
        onnx_export.write(tiny, tmp_path, "float32", "waveform")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("package", ["tf2onnx", "onnxruntime"])
def test_a_package_that_lacks_is_named(package, tiny, float32, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)  # which Python takes for "cannot be imported"
    with pytest.raises(ExportError, match=rf"{package}: pip install keras-musictag\[export\]"):
        onnx_export.write(tiny, tmp_path, "float32", "waveform")
    if package == "onnxruntime":
        with pytest.raises(ExportError, match="onnxruntime"):
            open_model(*float32)


PROBE = """
import sys
from pathlib import Path
import numpy as np
from keras_musictag.engines.artefact import read_artefact
from keras_musictag.engines.onnx import open_model

def threads():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Threads"))

artefact = read_artefact(Path(sys.argv[1]))
before, counts = threads(), []
for wanted in (1, 3):
    run = open_model(Path(sys.argv[1]), artefact, threads=wanted)
    run(np.zeros((1, *artefact.input_shape), np.float32))
    counts.append(threads() - before)
    del run
print(counts[1] - counts[0], sorted({"tensorflow", "keras", "librosa", "onnx"} & set(sys.modules)))
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="counts threads as Linux shows them")
def test_the_engine_uses_the_threads_it_is_given_and_no_tensorflow(float32):
    command = [sys.executable, "-c", PROBE, str(float32[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "2 []"


def test_an_engine_tags_a_track_as_keras_does(vgg, float32):
    wanted, found = vgg.tag(kmt.demo_clip()), kmt.EngineTagger(float32[0], threads=1).tag(kmt.demo_clip())
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in wanted.tags]
    np.testing.assert_allclose(found.scores, wanted.scores, rtol=0, atol=1e-5)

"""OpenVINO models give Keras's scores in OpenVINO, for any batch size and in the stated precision."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import openvino
import pytest
from openvino.tools.ovc import telemetry_utils

import keras_musictag as kmt
from keras_musictag.architectures import sample_cnn
from keras_musictag.errors import ExportError
from keras_musictag.runtimes import export_network
from keras_musictag.runtimes.check_signals import keras_outputs
from keras_musictag.runtimes.engine_tagger import BANDS_FILE
from keras_musictag.runtimes.formats import openvino as openvino_export
from keras_musictag.runtimes.formats.openvino import FRONT_END_FILE, MODEL_FILE, has_bfloat16, open_model
from tests.runtimes.networks import check_threads_share, largest_differences, random_tagger, written
from tests.tagger.test_fold import with_statistics

ROOT = Path(__file__).parents[2]
BFLOAT16 = has_bfloat16(openvino.Core())


def model_of(folder):
    return openvino.Core().read_model(folder / MODEL_FILE)


def operators(model):
    return {node.get_type_name() for node in model.get_ops()}


@pytest.fixture(scope="module")
def signals(vgg):
    return keras_outputs(vgg, "waveform")


@pytest.fixture(scope="module")
def float32(vgg, tmp_path_factory):
    return written(vgg, tmp_path_factory.mktemp("float32"), "openvino")


def test_float32_gives_keras_scores_and_embeddings(float32, signals):
    """This also holds if the processor has bfloat16, which OpenVINO would use by default."""
    scores, embeddings = largest_differences(float32, signals)
    assert scores < 1e-5 and embeddings < 1e-4  # round-off; the tolerance leaves room for decibels of silent bands


def test_float16_keeps_front_end_and_vectors_in_float32(musicnn, musicnn_expected, tmp_path):
    exported = written(musicnn, tmp_path, "openvino", "float16")
    scores, embeddings = largest_differences(exported, musicnn_expected)
    assert 1e-5 < scores < openvino_export.PRECISIONS["float16"]
    assert embeddings < 2e-2
    size = (tmp_path / "model.bin").stat().st_size
    assert size < 0.57 * 4 * musicnn.count_params()  # with the mel matrix and vectors
    constants = [node for node in model_of(tmp_path).get_ops() if node.get_type_name() == "Constant"]
    large = [(tuple(n.shape), n.get_element_type().get_type_name()) for n in constants if n.data.size >= 1024]
    vectors = [(np.prod(shape), kind) for shape, kind in large if np.prod(shape) == max(shape)]
    assert vectors == [(1506, "f32")] * 2  # scale and offset of a normalisation
    kinds = {shape: kind for shape, kind in large if np.prod(shape) > max(shape)}
    assert kinds.pop((257, 96)) == "f32"  # the mel matrix
    assert len(kinds) >= 9 and set(kinds.values()) == {"f16"}


# decibels, which bfloat16 changes by 0.25 dB: with the front end in bfloat16, this network's scores move by 7e-2
@pytest.mark.parametrize("form", ["waveform", "log-mel"])
def test_bfloat16_has_its_front_end_in_float32(form, tmp_path):
    tagger = with_statistics("short_chunk_cnn")
    if not BFLOAT16:
        with pytest.raises(ExportError, match="does not support bfloat16"):
            openvino_export.write(tagger, tmp_path, "bfloat16", form)
        return
    exported = written(tagger, tmp_path, "openvino", "bfloat16", form)
    assert set(exported[1].files) - {BANDS_FILE} == {"front_end.bin", "front_end.xml", "model.bin", "model.xml"}
    front_end = operators(openvino.Core().read_model(tmp_path / FRONT_END_FILE))
    assert ("RDFT" in front_end) == (form == "waveform")
    assert not {"RDFT", "Log"} & operators(model_of(tmp_path))
    scores, embeddings = largest_differences(exported, {"music": keras_outputs(tagger, form)["music"]})
    assert 1e-5 < scores < 1e-2
    assert 1e-4 < embeddings < 5e-2


@pytest.mark.needs("bfloat16")
def test_a_network_on_waveforms_is_one_model_in_bfloat16(tmp_path):
    tagger = random_tagger("sample_cnn", config=sample_cnn.Config(filters=(8,) * 10, last_filters=8))
    assert set(written(tagger, tmp_path, "openvino", "bfloat16")[1].files) == {"model.bin", "model.xml"}


def test_log_mel_in_gives_what_the_waveform_gives(tiny, tmp_path):
    exported = written(tiny, tmp_path, "openvino", form="log-mel")
    assert "RDFT" not in operators(model_of(tmp_path))
    scores, embeddings = largest_differences(exported, keras_outputs(tiny, "log-mel"))
    assert scores < 1e-5 and embeddings < 1e-4


def test_a_batch_of_any_size_gives_what_one_by_one_gives(float32, signals):
    run = open_model(*float32, threads=1)
    chunks = signals["music"].inputs
    together, apart = run(chunks), [run(chunk[None]) for chunk in chunks]
    assert len(chunks) > 2
    for name, atol in (("scores", 2e-6), ("embedding", 1e-5)):  # sums in another order
        np.testing.assert_allclose(together[name], np.concatenate([one[name] for one in apart]), rtol=0, atol=atol)


def test_what_was_returned_stays_when_the_model_runs_again(float32, signals):
    run = open_model(*float32, threads=1)
    music, noise = (signals[name].inputs[:1] for name in ("music", "noise"))
    first = run(music)
    kept = first["scores"].copy()
    run(noise)
    np.testing.assert_array_equal(first["scores"], kept)


def test_threads_may_share_an_engine(float32, signals):
    check_threads_share(float32, signals["music"].inputs[:6])


def test_the_file_says_its_names_shapes_tags_and_settings(vgg, float32):
    model = model_of(float32[0])
    described = {port.get_any_name(): str(port.get_partial_shape()) for port in (*model.inputs, *model.outputs)}
    assert described == {"waveform": "[?,48128]", "scores": "[?,50]", "embedding": "[?,256]"}
    assert list(described) == ["waveform", "scores", "embedding"]
    found = {name: model.get_rt_info(["keras_musictag", name]).astype(str) for name in ("tags", "model", "name")}
    assert json.loads(found["tags"]) == list(vgg.vocabulary)
    assert json.loads(found["model"]) == vgg.spec.to_dict()
    assert found["name"] == vgg.name


def test_an_operator_that_does_not_convert_is_named(tiny, tmp_path, monkeypatch):
    inputs = keras.Input((3, 3), name="waveform")
    network = keras.Model(inputs, {"scores": keras.ops.cholesky(inputs), "embedding": inputs})
    monkeypatch.setattr(export_network, "exported_network", lambda *_: network)
    with pytest.raises(ExportError, match="'vgg' needs operators that OpenVINO does not have: Cholesky"):
        openvino_export.write(tiny, tmp_path, "float32", "waveform")
    assert not list(tmp_path.iterdir())


def test_what_the_converter_refuses_is_one_sentence(tiny, tmp_path, monkeypatch):
    def refuse(*_):
        raise RuntimeError("Check 'x' failed\n  at convert.cpp:7")

    monkeypatch.setattr(openvino.Core, "read_model", refuse)
    with pytest.raises(ExportError, match="^OpenVINO refuses 'vgg': RuntimeError: Check 'x' failed at convert.cpp:7$"):
        openvino_export.write(tiny, tmp_path, "float32", "waveform")


def test_no_conversion_is_reported_to_analytics(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(
        telemetry_utils.tm, "Telemetry", lambda *_, **__: pytest.fail("A message to Google Analytics was sent.")
    )
    openvino_export.write(tiny, tmp_path, "float32", "waveform")


@pytest.mark.parametrize("ci", [None, "false"])
def test_no_import_is_reported_to_analytics(float32, tmp_path, ci):
    """Neither an engine nor an export sends data: both use the same import. Otherwise, ~/intel would exist."""
    command = [sys.executable, "-c", PROBE, str(float32[0])]
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "TF_BUILD", "JENKINS_URL")}
    environment |= {"HOME": str(tmp_path)} | ({} if ci is None else {"CI": ci})
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    assert done.stdout.splitlines()[-1] == str(ci)  # which is unchanged
    assert not (tmp_path / "intel").exists()


def test_openvino_opens_no_onnx_file(exported_vgg_onnx):
    """As docs/export.md says. If this fails, a newer OpenVINO supports it, and the two formats may become one."""
    core = openvino.Core()
    with pytest.raises(RuntimeError, match="DFT"):
        core.compile_model(core.read_model(exported_vgg_onnx / "model.onnx"), "CPU")


def test_a_missing_package_is_named_before_the_conversion(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)  # which Python treats as "not installed"
    monkeypatch.setattr(export_network, "exported_network", None)
    with pytest.raises(
        ExportError,
        match=r'needs the package openvino, .*pip install "keras-musictag\[export\]"',
    ):
        openvino_export.write(tiny, tmp_path, "float32", "waveform")


PROBE = """
import os
import sys
from pathlib import Path
import numpy as np
from keras_musictag.runtimes.formats import openvino as engine
from keras_musictag.runtimes.artefact import read_artefact

artefact, counts = read_artefact(Path(sys.argv[1])), []
compiled = engine._compile
def kept(*arguments):
    counts.append(compiled(*arguments))
    return counts[-1]
engine._compile = kept
for wanted in (1, 2):
    engine.open_model(Path(sys.argv[1]), artefact, threads=wanted)(np.zeros((1, *artefact.input_shape), np.float32))
print([model.get_property("INFERENCE_NUM_THREADS") for model in counts],
      [model.get_property("INFERENCE_PRECISION_HINT").get_type_name() for model in counts],
      sorted({"tensorflow", "keras", "librosa"} & set(sys.modules)))
print(os.environ.get("CI"))
"""


def test_the_engine_uses_threads_and_precision_as_given(float32):
    command = [sys.executable, "-c", PROBE, str(float32[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[0] == "[1, 2] ['f32', 'f32'] []"


def test_an_engine_tags_a_track_as_keras_does(vgg, float32):
    wanted, found = vgg.tag(kmt.demo_clip()), kmt.EngineTagger(float32[0], threads=1).tag(kmt.demo_clip())
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in wanted.tags]
    np.testing.assert_allclose(found.scores, wanted.scores, rtol=0, atol=1e-5)

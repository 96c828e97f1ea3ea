"""An exported folder is complete and was compared with Keras, or it does not exist."""

import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag.runtimes import check_signals, export, exporting, formats, read_artefact
from keras_musictag.runtimes.artefact import sha256_of
from keras_musictag.runtimes.formats import onnx
from tests.runtimes.test_example import check_example, run_example, tags_in


def test_the_differences_from_keras_are_measured_and_small(exported_vgg_onnx):
    artefact = read_artefact(exported_vgg_onnx)
    assert list(artefact.checks) == ["music", "silence", "noise", "full scale"]
    assert 0 < max(artefact.checks.values()) <= artefact.tolerance  # in another runtime, not all sums are the same


def test_nothing_is_left_next_to_the_folder(exported_vgg_onnx):
    assert [path.name for path in exported_vgg_onnx.parent.iterdir()] == ["vgg"]
    parts = sorted(path.name for path in exported_vgg_onnx.iterdir())
    assert parts == ["artefact.json", "example.py", "model.onnx", "tags.csv"]


@pytest.fixture(scope="module")
def log_mel(vgg, tmp_path_factory):
    """A folder whose model takes features. Tests do not change it."""
    folder = tmp_path_factory.mktemp("exports") / "log_mel"
    export(vgg, "onnx", folder, input="log-mel")
    return folder


def test_log_mel_is_also_compared_from_the_waveform(log_mel, vgg, tmp_path):
    artefact = read_artefact(log_mel)
    assert list(artefact.checks) == ["music", "silence", "noise", "full scale", "music, from the waveform"]
    shutil.copytree(log_mel, tmp_path / "copy")
    bands = np.load(log_mel / "mel_bands.npy")
    np.save(tmp_path / "copy" / "mel_bands.npy", np.roll(bands, 1, axis=1))
    data = json.loads((log_mel / "artefact.json").read_text())
    data["files"]["mel_bands.npy"] = sha256_of(tmp_path / "copy" / "mel_bands.npy")
    (tmp_path / "copy" / "artefact.json").write_text(json.dumps(data))
    chunks = {"music": check_signals.signals(vgg)["music"]}
    with pytest.raises(kmt.ExportError, match="on music, from the waveform; the limit is 5e-04"):
        exporting._with_checks(vgg, read_artefact(tmp_path / "copy"), tmp_path / "copy", chunks)


def test_a_model_of_log_mel_tags_files(log_mel, vgg):
    found, wanted = kmt.EngineTagger(log_mel).taggram(kmt.demo_clip()), vgg.taggram(kmt.demo_clip())
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-4)  # NumPy's Fourier transform
    check_example(vgg, log_mel)


@pytest.fixture(scope="module")
def keras_folder(tmp_path_factory):
    """An export of a tagger that ends in logits."""
    folder = tmp_path_factory.mktemp("exports") / "keras"
    tagger = kmt.load("vgg", classifier_activation=None)
    return tagger, folder, export(tagger, "keras", folder)


def test_the_keras_format_is_a_tagger_again(keras_folder):
    tagger, folder, artefact = keras_folder
    assert max(artefact.checks.values()) <= 1e-5
    again = kmt.load(folder / "model.keras", classifier_activation=None)
    assert again.spec == tagger.spec
    assert artefact.model == tagger.spec.to_dict()  # which says that it ends in logits
    batch = check_signals.signals(tagger)["music"]
    np.testing.assert_array_equal(again(batch), tagger(batch))


def test_an_engine_runs_the_keras_format(keras_folder, vgg):
    found = kmt.load(keras_folder[1], engine="keras")
    samples = check_signals.signals(vgg)["music"][:3].ravel()
    wanted = vgg.taggram(samples, 16000).scores
    np.testing.assert_allclose(found.taggram(samples, 16000).scores, wanted, atol=1e-5)  # another graph's sums
    np.testing.assert_allclose(found.embed(samples, 16000), vgg.embed(samples, 16000), rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_the_example_of_the_keras_format_gives_scores(keras_folder, vgg):
    shown = [(round(score, 4), tag) for tag, score in vgg.tag(kmt.demo_clip()).tags]
    assert tags_in(run_example(keras_folder[1], blocked=[])) == shown


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"format": "lite"}, kmt.UnknownNameError, "Did you mean 'litert'"),
        ({"format": "litert", "precision": "int4"}, kmt.UnknownNameError, "precision of litert 'int4'"),
        ({"format": "keras", "precision": "int8"}, kmt.UnknownNameError, "precision of keras 'int8'"),
        ({"format": "litert", "input": "mel"}, kmt.UnknownNameError, "Did you mean 'log-mel'"),
        ({"format": "keras", "input": "log-mel"}, kmt.UnknownNameError, "input of keras 'log-mel'"),
        ({"format": "litert", "version": 2}, ValueError, "`version` must be"),
        ({"format": "savedmodel", "version": 0}, ValueError, "`version` must be"),
        ({"format": "savedmodel", "version": True}, ValueError, "`version` must be"),
        ({"format": "onnx", "audio": __file__}, kmt.AudioError, "test_export.py"),
        ({"format": "onnx", "audio": "gone.mp3"}, FileNotFoundError, "gone.mp3"),
    ],
)
def test_unknown_names_fail_before_anything_is_written(tiny, tmp_path, monkeypatch, arguments, error, message):
    monkeypatch.setattr(onnx, "write", lambda *_: pytest.fail("writing began"))
    with pytest.raises(error, match=message):
        export(tiny, path=tmp_path / "out", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_another_backend_gets_advice(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(kmt.ExportError, match=r"Keras runs on 'jax'\. Save a \.keras file.*KERAS_BACKEND=tensorflow"):
        export(tiny, "onnx", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_tagger_without_a_head_is_refused(tmp_path):
    with pytest.raises(ValueError, match="include_top=False"):
        export(kmt.load("vgg", include_top=False), "onnx", tmp_path / "out")


def test_the_public_name_is_the_function_after_any_import():
    code = "import keras_musictag.{} as _; import keras_musictag as kmt; print(callable(kmt.export))"
    module = export.__module__.partition(".")[2]
    for imported in (module, "errors"):
        done = subprocess.run([sys.executable, "-c", code.format(imported)], capture_output=True, text=True, check=True)
        assert done.stdout == "True\n"


def test_every_format_has_its_module():
    for name in formats.names():
        found = formats.get(name)
        assert callable(found.write)
        assert set(found.INPUTS) <= {"waveform", "log-mel"}
        assert "float32" in found.PRECISIONS and all(0 < limit < 0.1 for limit in found.PRECISIONS.values())

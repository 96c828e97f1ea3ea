"""`load(..., engine=...)`: exported once, kept, and opened without TensorFlow and Keras."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag.data import bundled
from keras_musictag.exporting import export
from keras_musictag.zoo import engine as engines
from keras_musictag.zoo.catalog import HOME_VARIABLE
from tests.exporting.blocked import BLOCKED_PROGRAM

VGG = bundled("zoo") / "vgg-mtat-v1"
TOLERANCE = 1e-5  # float32 in another runtime


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A user's folder in which the engine was asked for once."""
    folder = tmp_path_factory.mktemp("home")
    before = os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = str(folder)
    try:
        kmt.load("vgg", engine="onnx")
    finally:
        os.environ.pop(HOME_VARIABLE) if before is None else os.environ.update({HOME_VARIABLE: before})
    return folder


@pytest.fixture
def warm(home, monkeypatch):
    """Its cache, in which nothing may be written any more."""
    monkeypatch.setenv(HOME_VARIABLE, str(home))

    def refuse(*arguments):
        raise AssertionError(f"exported anew: {arguments}")

    monkeypatch.setattr(engines, "_fill", refuse)
    return home / "exports"


def test_it_tags_as_the_tagger_does(warm):
    engine, tagger = kmt.load("vgg", engine="onnx"), kmt.load("vgg")
    assert isinstance(engine, kmt.EngineTagger)
    assert engine.name == tagger.name == "vgg-mtat-v1"
    found, wanted = engine.tag(kmt.demo_clip()), tagger.tag(kmt.demo_clip())
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in wanted.tags]
    np.testing.assert_allclose(found.scores, wanted.scores, atol=TOLERANCE)


def test_the_cache_holds_one_whole_export_that_states_the_licences(warm):
    (folder,) = warm.iterdir()
    assert folder.name.startswith("vgg-mtat-v1-onnx-float32-")
    artefact = json.loads((folder / "artefact.json").read_text())
    assert artefact["licences"].keys() == {"code", "weights", "training_data"}


@pytest.mark.parametrize("model", ["vgg-mtat-v1", VGG, str(VGG)])
def test_every_way_to_say_the_same_model_finds_it(warm, model):
    assert kmt.load(model, engine="onnx", precision="float32").folder.parent == warm


@pytest.mark.parametrize(
    "arguments",
    [{"model": "vgg-msd-v1"}, {"weights": "msd"}, {"precision": "float16"}, {"engine": "openvino"}],
)
def test_another_model_is_another_export(warm, arguments):
    with pytest.raises(AssertionError, match="exported anew"):
        kmt.load(**{"model": "vgg", "engine": "onnx", **arguments})


def test_other_weights_settings_and_versions_are_other_exports(warm, monkeypatch):
    with pytest.raises(AssertionError, match="exported anew"):
        kmt.load("musicnn", engine="onnx", chunk_seconds=5)
    monkeypatch.setattr(engines, "__version__", "99")
    with pytest.raises(AssertionError, match="exported anew"):
        kmt.load("vgg", engine="onnx")


PROGRAM = """
import json, sys
import keras_musictag as kmt
result = kmt.load("vgg", engine="onnx").tag(kmt.demo_clip(), top=3)
print(json.dumps([tag for tag, _ in result.tags]))
"""


def test_a_warm_cache_needs_neither_tensorflow_nor_keras(home, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    blocked = BLOCKED_PROGRAM.format(blocked=["tensorflow", "keras", "kapre", "librosa"])
    command = [sys.executable, "-c", blocked, tmp_path / "program.py"]
    environment = {**os.environ, HOME_VARIABLE: str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [tag for tag, _ in kmt.load("vgg").tag(kmt.demo_clip(), top=3).tags]


@pytest.mark.parametrize("damaged", ["model.onnx", "artefact.json"])
def test_a_damaged_export_is_found_out_and_removed(home, warm, tmp_path, monkeypatch, damaged):
    shutil.copytree(home, tmp_path / "copy")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "copy"))
    (folder,) = (tmp_path / "copy" / "exports").iterdir()
    (folder / damaged).write_bytes(b"damaged")
    with pytest.raises(AssertionError, match="exported anew"):
        kmt.load("vgg", engine="onnx")
    assert not folder.exists()


def test_a_damaged_export_is_made_anew_and_a_changed_file_is_another(tiny, new_tiny, tmp_path):
    tiny.save(tmp_path / "mine.keras")
    first = kmt.load(tmp_path / "mine.keras", engine="onnx")
    assert first.folder.name.startswith("mine-onnx-float32-")
    (first.folder / "model.onnx").write_bytes(b"damaged")
    again = kmt.load(tmp_path / "mine.keras", engine="onnx")
    assert again.folder == first.folder
    assert again.vocabulary == tiny.vocabulary
    np.testing.assert_allclose(again.tag(kmt.demo_clip()).scores, tiny.tag(kmt.demo_clip()).scores, atol=TOLERANCE)
    new_tiny(seed=1).save(tmp_path / "mine.keras")
    assert kmt.load(tmp_path / "mine.keras", engine="onnx").folder != first.folder


def test_an_exported_folder_is_opened(tiny, tmp_path):
    export(tiny, "onnx", tmp_path / "out", "float16")
    for precision in (None, "float16"):
        engine = kmt.load(tmp_path / "out", engine="onnx", precision=precision)
        assert engine.folder == tmp_path / "out"
    with pytest.raises(ValueError, match="is an export to 'onnx' in float16"):
        kmt.load(tmp_path / "out", engine="litert")
    with pytest.raises(ValueError, match="is an export to 'onnx' in float16"):
        kmt.load(tmp_path / "out", engine="onnx", precision="float32")
    with pytest.raises(ValueError, match="as it was exported"):
        kmt.load(tmp_path / "out", weights="msd", engine="onnx")
    with pytest.raises(ValueError, match=r"is an exported model, .* Name its engine, as in load\(..., engine='onnx'\)"):
        kmt.load(tmp_path / "out")


@pytest.mark.parametrize("arguments", [{"tags": ["a"]}, {"include_top": False}, {"classifier_activation": None}])
def test_another_head_is_refused(arguments):
    with pytest.raises(ValueError, match="An engine runs a model as it is"):
        kmt.load("vgg", engine="onnx", **arguments)


def test_what_does_not_exist_is_told(tmp_path):
    with pytest.raises(kmt.UnknownNameError, match="Did you mean 'onnx'"):
        kmt.load("vgg", engine="onx")
    with pytest.raises(kmt.UnknownNameError, match="Did you mean 'vgg'"):
        kmt.load("vg", engine="onnx")
    with pytest.raises(kmt.UnknownNameError, match="precision of onnx"):
        kmt.load("vgg", engine="onnx", precision="int3")
    with pytest.raises(ValueError, match="trained weights"):
        kmt.load("vgg", weights=None, engine="onnx")
    with pytest.raises(FileNotFoundError):
        kmt.load(tmp_path / "gone.keras", engine="onnx")


def test_a_home_that_cannot_be_written_to_is_told(tiny, tmp_path, monkeypatch):
    tiny.save(tmp_path / "mine.keras")
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(kmt.MusicTagError, match="KERAS_MUSICTAG_HOME"):
        kmt.load(tmp_path / "mine.keras", engine="onnx")

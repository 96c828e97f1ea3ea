"""A model is known by its weights before it is loaded, and an engine brings no TensorFlow into the scan."""

import os
import subprocess
import sys

import pytest

from keras_musictag.bundled_files import bundled
from keras_musictag.library.scan_models import choose_model
from keras_musictag.user_folders import HOME_VARIABLE
from tests.library.music_folder import write_music


def test_a_model_is_identified_by_its_weights(tmp_path, exported_vgg_onnx):
    named, folder = choose_model("vgg"), choose_model(bundled("zoo") / "vgg-mtat-v1")
    assert (named.name, named.weights_sha256) == (folder.name, folder.weights_sha256)
    assert named.name == "vgg-mtat-v1" and named.weights_sha256.startswith("87ba04cd")
    assert choose_model("vgg", "msd").weights_sha256 != named.weights_sha256
    assert choose_model("vgg", engine="onnx").weights_sha256 == named.weights_sha256
    exported = choose_model(exported_vgg_onnx, engine="onnx")
    assert exported.name == named.name and exported.weights_sha256 != named.weights_sha256
    weights = bundled("zoo") / "vgg-mtat-v1" / "weights.safetensors"
    assert choose_model("vgg", weights).weights_sha256 == named.weights_sha256
    fetched = choose_model("fcn")  # nothing is fetched
    assert len(fetched.weights_sha256) == 40


PROGRAM = """
import sys
from keras_musictag.library import Database, scan
if __name__ == "__main__":
    with Database(sys.argv[2], create=True) as database:
        scan([sys.argv[1]], database, ["vgg"], engine="onnx", jobs=1)
        (model,) = database.models()
        (file,) = database.scored_files(model)
    print(file.scores.argmax(), "tensorflow" in sys.modules, "keras" in sys.modules)
"""


@pytest.mark.slow
def test_an_engine_brings_no_tensorflow(tmp_path):
    (tmp_path / "music").mkdir()
    write_music(tmp_path / "music" / "a.flac", 4.0)
    (tmp_path / "program.py").write_text(PROGRAM)
    arguments = [sys.executable, tmp_path / "program.py", tmp_path / "music", tmp_path / "library.db"]
    environment = {**os.environ, HOME_VARIABLE: str(tmp_path / "home")}  # an empty cache: the model is exported first
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split()[1:] == ["False", "False"], done.stderr
    (exported,) = (tmp_path / "home" / "exports").iterdir()
    assert exported.name.startswith("vgg-mtat-v1-onnx-float32")

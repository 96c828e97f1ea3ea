"""If Keras does not start with the user's settings, the error names them and their file."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import keras_musictag as kmt
from keras_musictag.cli import keras_musictag_group

def run(*arguments):
    keras_musictag_group.main([*arguments], standalone_mode=False)

raw = sys.argv[1]
uses = (
    lambda: kmt.load("vgg"),
    lambda: kmt.build,
    lambda: kmt.train,
    lambda: kmt.evaluate,
    lambda: kmt.layers.MelFilterbank,
    lambda: kmt.frontends,
    lambda: run("train", "records", "out"),
    lambda: run("evaluate", "records", "out"),
    lambda: run("robustness", "records", "out", "--model", "vgg"),
    lambda: run("finetune", raw, "out"),
    lambda: run("zoo", "add", "out"),
    lambda: run("zoo", "import", "x.pt", "--architecture", "fcn", "--dataset", "mtat"),
    lambda: run("prepare", "folder", raw, "out", "--storage", "source", "--features", "fcn"),
)
for use in uses:
    try:
        use()
    except kmt.MusicTagError as error:
        print(error)
"""


@pytest.mark.parametrize(
    "settings, cause",
    [('{"backend": "theano"}', "Unable to import backend : theano"), ('{"floatx": "half"}', "AssertionError")],
)
def test_the_error_names_the_setting_and_its_file(settings, cause, tmp_path):
    for tag in ("calm", "wild"):
        (tmp_path / tag).mkdir()
        for index in range(10):  # listed, but not read before Keras starts
            (tmp_path / tag / f"{index}.wav").write_text(f"{tag} {index}")
    file = tmp_path / "keras.json"
    file.write_text(settings)
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment["KERAS_HOME"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], env=environment, capture_output=True, text=True
    )
    texts = [line for line in done.stdout.splitlines() if line.startswith("Keras does not start")]
    assert len(texts) == 13, done.stdout + done.stderr
    for text in texts:
        assert f"{settings} in {file}" in text
    assert cause in texts[0]


EXIT = """
import atexit, gc, sys
from keras_musictag.keras_start import start_keras

atexit.register(lambda: print(gc.get_freeze_count() > 0.99 * len(gc.get_objects())))  # runs last
sys.modules["keras"] = None  # as if it were not installed, to be quick
try:
    start_keras()
except ImportError:
    print(gc.get_freeze_count())
"""


def test_on_exit_python_does_not_look_for_garbage():
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment["KERAS_HOME"] = os.devnull  # no settings that the error would name
    done = subprocess.run([sys.executable, "-c", EXIT], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["0", "True"], done.stderr

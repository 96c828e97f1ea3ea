"""Settings with which Keras does not start are named, with their file."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import keras_musictag as kmt
for use in (lambda: kmt.load("vgg"), lambda: kmt.build):
    try:
        use()
    except kmt.MusicTagError as error:
        print(error)
"""


@pytest.mark.parametrize(
    "settings, cause",
    [('{"backend": "theano"}', "Unable to import backend : theano"), ('{"floatx": "half"}', "AssertionError")],
)
def test_the_setting_and_its_file_are_named(settings, cause, tmp_path):
    file = tmp_path / "keras.json"
    file.write_text(settings)
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment["KERAS_HOME"] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
    of_load, of_build = done.stdout.splitlines()
    for text in (of_load, of_build):
        assert f"{settings} in {file}" in text
    assert cause in of_load

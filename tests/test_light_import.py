"""Importing the package loads no TensorFlow, Keras or NumPy before a name is used."""

import json
import subprocess
import sys

import pytest

HEAVY = ("tensorflow", "keras", "kapre", "numpy", "librosa", "sklearn", "matplotlib", "av", "rich", "torch", "jax")


def loaded_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after some code."""
    program = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_after("import keras_musictag") & set(HEAVY)


def test_the_test_finds_a_heavy_import():
    assert "numpy" in loaded_after("import keras_musictag; keras_musictag.Vocabulary; import numpy")


@pytest.mark.parametrize(
    "code",
    [
        "import keras_musictag as kmt; kmt.list_models()",
        "import keras_musictag as kmt; kmt.Vocabulary(('a',)); kmt.demo_clip()",
        "import keras_musictag.audio.reading, keras_musictag.audio.chunking, keras_musictag.audio.resampling",
        "import keras_musictag.cli, keras_musictag.cli.tag, keras_musictag.cli.embed",
    ],
)
def test_tensorflow_is_not_loaded_without_a_network(code):
    assert not loaded_after(code) & {"tensorflow", "keras", "kapre"}


def test_the_command_line_loads_only_click():
    code = "from keras_musictag import cli; import click; cli.keras_musictag_group.get_help(click.Context("
    code += "cli.keras_musictag_group))"
    assert not loaded_after(code) & set(HEAVY)

"""What the tests of the command line share: the installed script, its entry point in this process, and tracks."""

import io
import os
import shutil
import subprocess
import sys
import sysconfig
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

from keras_musictag import demo_clip
from keras_musictag.bundled_files import bundled
from keras_musictag.cli import _options, main
from keras_musictag.user_folders import HOME_VARIABLE

VGG = str(bundled("zoo") / "vgg-mtat-v1")  # loads in 0.2 s; MusiCNN takes 1 s


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory. The user's zoo is in another folder and is empty, too."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    working = tmp_path / "work"
    working.mkdir()
    monkeypatch.chdir(working)
    return working


@pytest.fixture(scope="session")
def script() -> Path:
    """The installed console script."""
    found = Path(sysconfig.get_path("scripts")) / "keras-musictag"
    assert found.is_file(), f"{found} is not installed: pip install -e ."
    return found


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """The environment of a user's shell, without the settings of this test run for TensorFlow and Python."""
    foreign = ("TF_", "KERAS", "PYTEST", "PYTHONUNBUFFERED")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    return {**kept, HOME_VARIABLE: str(tmp_path_factory.mktemp("home")), "PYTHONIOENCODING": "utf-8"}


@pytest.fixture(scope="session")
def run(script, environment):
    """A function that runs the installed script, for what only a separate process can show; 6 s per call."""

    def run_script(*arguments, cwd, stdin=b"", **options) -> Outcome:
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment, **options}
        done = subprocess.run([script, *map(str, arguments)], cwd=cwd, input=stdin, check=False, **options)
        return Outcome(done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode())

    return run_script


@pytest.fixture
def call(monkeypatch, capsys):
    """A function that runs the script's entry point in this process, which has already loaded TensorFlow."""

    def call_main(*arguments, stdin=b"") -> Outcome:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")  # otherwise `main` sets this and the next line beyond the test
        monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
        monkeypatch.setattr(sys, "argv", ["keras-musictag", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main()
        return Outcome(exit_.value.code or 0, *capsys.readouterr())

    return call_main


@pytest.fixture(scope="session")
def tagger():
    """The model that the commands use, to compare with. Tests do not change it."""
    from keras_musictag import load

    return load(VGG)


@pytest.fixture
def loaded(monkeypatch, tagger):
    """Commands use this tagger instead of loading one: for many tests of what happens after loading."""
    monkeypatch.setattr(_options, "load_model", lambda model, weights: tagger)


@pytest.fixture(scope="session")
def tones(tmp_path_factory) -> Path:
    """A track of 7 s at 22.05 kHz: two tones and noise."""
    path = tmp_path_factory.mktemp("tracks") / "tones.wav"
    seconds = np.arange(7 * 22050) / 22050
    samples = 0.2 * np.sin(2 * np.pi * 220 * seconds) + 0.2 * np.sin(2 * np.pi * 660 * seconds)
    samples += np.random.default_rng(0).normal(0, 0.02, len(samples))
    soundfile.write(path, samples.astype(np.float32), 22050)
    return path


@pytest.fixture
def track(folder, tones) -> str:
    """Its copy in the working directory."""
    shutil.copy(tones, folder / "tones.wav")
    return "tones.wav"


@pytest.fixture
def not_music(folder) -> str:
    (folder / "not music.mp3").write_text("just words")
    return "not music.mp3"


@pytest.fixture(scope="session")
def demo() -> Path:
    return demo_clip()


@pytest.fixture(scope="session")
def vgg() -> list[str]:
    return ["--model", VGG]

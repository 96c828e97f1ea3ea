import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from keras_musictag.errors import MusicTagError
from keras_musictag.gmtag import Installation
from keras_musictag.gmtag.sound import SOUNDFONTS


@pytest.mark.needs("mma", "fluidsynth", "soundfonts")
def test_nothing_is_missing_with_the_debian_packages():
    Installation().require()


@pytest.fixture
def installation(tmp_path):
    """An installation in which everything is found on any machine: empty files, and a library that every system has."""
    mma, grooves = tmp_path / "mma", tmp_path / "grooves"
    mma.touch(mode=0o755)
    (grooves / "stdlib").mkdir(parents=True)
    for file, _ in SOUNDFONTS.values():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    found = Installation(str(mma), grooves, tmp_path, fluidsynth="c")
    found.require()
    return found


def test_a_missing_program_is_named_with_its_package(installation):
    with pytest.raises(MusicTagError, match="the program 'mma-is-not-here'.*install -y --no-install-recommends mma$"):
        replace(installation, mma="mma-is-not-here").require()


def test_soundfonts_are_searched_in_the_given_folder(installation, tmp_path):
    empty = tmp_path / "empty"
    with pytest.raises(MusicTagError) as raised:
        replace(installation, sounds=empty).require()
    for file, package in SOUNDFONTS.values():
        assert str(empty / file) in str(raised.value)
        assert package in str(raised.value)


def test_missing_grooves_are_reported(installation, tmp_path):
    with pytest.raises(MusicTagError, match="MMA's grooves in .*recommends mma$"):
        replace(installation, library=tmp_path).require()


def test_a_library_unknown_to_the_linker_is_reported(installation):
    with pytest.raises(MusicTagError, match="the library FluidSynth.*recommends libfluidsynth3$"):
        replace(installation, fluidsynth="no-such-synth").require()


def test_missing_python_modules_are_reported_with_the_extra(installation):
    with pytest.raises(MusicTagError, match=r'Python module no_such_module.*: pip install "keras-musictag\[gmtag\]"$'):
        replace(installation, modules=("mido", "no_such_module")).require()


def test_mma_is_missing_if_the_path_is_empty(tmp_path):
    program = "from keras_musictag.gmtag.packages import Installation; Installation().require()"
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.search(
        "needs the program 'mma'.*: not found. To install on Debian or Ubuntu: apt-get install", done.stderr
    )


def test_the_corpus_imports_without_the_optional_packages():
    program = (
        "import sys, keras_musictag.gmtag.corpus;"
        "print({'mido', 'fluidsynth', 'av', 'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.needs("mma", "fluidsynth", "soundfonts")
def test_versions_are_those_of_programs_and_files():
    versions = Installation().versions()
    assert versions["mma"] == subprocess.run(["mma", "-v"], capture_output=True, text=True).stdout.split()[-1]
    assert versions["fluidsynth"].count(".") == 2
    for name in ("grooves", *SOUNDFONTS):
        assert len(versions[name]) == 64

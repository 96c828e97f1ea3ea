import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from keras_musictag.errors import MusicTagError
from keras_musictag.gmtag import Installation
from keras_musictag.gmtag.packages import SOUNDFONTS


@pytest.mark.needs("mma", "fluidsynth", "soundfonts")
def test_everything_is_there_where_the_debian_packages_are_installed():
    Installation().require()


@pytest.fixture
def installation(tmp_path):
    """One in which everything is found, wherever this runs: empty files, and a library that every system has."""
    mma, grooves = tmp_path / "mma", tmp_path / "grooves"
    mma.touch(mode=0o755)
    (grooves / "stdlib").mkdir(parents=True)
    for file, _ in SOUNDFONTS.values():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    found = Installation(str(mma), grooves, tmp_path, fluidsynth="c")
    found.require()
    return found


def test_a_program_that_is_missing_is_named_with_its_package(installation):
    with pytest.raises(MusicTagError, match="the program 'mma-is-not-here'.*install -y --no-install-recommends mma$"):
        replace(installation, mma="mma-is-not-here").require()


def test_soundfonts_are_looked_for_in_the_folder_that_was_given(installation, tmp_path):
    empty = tmp_path / "empty"
    with pytest.raises(MusicTagError) as raised:
        replace(installation, sounds=empty).require()
    for file, package in SOUNDFONTS.values():
        assert str(empty / file) in str(raised.value)
        assert package in str(raised.value)


def test_grooves_that_are_missing_are_told(installation, tmp_path):
    with pytest.raises(MusicTagError, match="MMA's grooves in .*recommends mma$"):
        replace(installation, library=tmp_path).require()


def test_a_library_that_the_linker_does_not_know_is_told(installation):
    with pytest.raises(MusicTagError, match="the library FluidSynth.*recommends libfluidsynth3$"):
        replace(installation, fluidsynth="no-such-synth").require()


def test_python_modules_are_told_with_their_packages(installation):
    with pytest.raises(MusicTagError, match=r'Python module no_such_module.*: pip install "keras-musictag\[gmtag\]"$'):
        replace(installation, modules=("mido", "no_such_module")).require()


def test_an_empty_path_has_no_mma(tmp_path):
    program = "from keras_musictag.gmtag.packages import Installation; Installation().require()"
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.search("needs what was not found: the program 'mma'.* On Debian or Ubuntu: apt-get install", done.stderr)


def test_the_error_needs_none_of_what_may_be_missing():
    program = (
        "import sys, keras_musictag.gmtag.corpus, keras_musictag.gmtag.corpus;"
        "print({'mido', 'fluidsynth', 'av', 'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.needs("mma", "fluidsynth", "soundfonts")
def test_versions_are_those_of_programs_and_of_files():
    versions = Installation().versions()
    assert versions["mma"] == subprocess.run(["mma", "-v"], capture_output=True, text=True).stdout.split()[-1]
    assert versions["fluidsynth"].count(".") == 2
    for name in ("grooves", *SOUNDFONTS):
        assert len(versions[name]) == 64

"""README: all commands and code in it run and give the output that it shows."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

import keras_musictag as kmt
from keras_musictag import architectures
from keras_musictag.audio import read
from tests.cli.conftest import call  # noqa: F401  (a fixture)

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPTS = {"scripts/demo", "scripts/test"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def run(command, folder, **options):
    bin_folder = Path(sys.executable).parent
    # like a user's shell, without the settings of this test run for TensorFlow
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
    environment = {**kept, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, **options)


@pytest.fixture
def folder_with_a_song(tmp_path):
    shutil.copy(kmt.demo_clip(), tmp_path / "song.mp3")
    return tmp_path


def test_the_code_prints_what_the_readme_shows(folder_with_a_song):
    (code,), (shown,) = blocks("python"), blocks("text")
    done = run([sys.executable, "-c", code], folder_with_a_song)
    assert done.stdout == shown, done.stderr


def add_songs(folder, per_tag):
    """One folder per tag with some songs: pieces of the demo clip, at normal speed and faster."""
    samples = read(kmt.demo_clip()).samples
    for tag, rate_hz in (("slow", 16000), ("fast", 24000)):
        (folder / "songs" / tag).mkdir(parents=True)
        for number in range(per_tag):
            piece = samples[number * 32000 :][: 4 * rate_hz]
            soundfile.write(folder / "songs" / tag / f"{number}.wav", piece, rate_hz)


@pytest.fixture
def command(call, folder_with_a_song, monkeypatch):  # noqa: F811
    """A function that runs a line of README in this process: to start TensorFlow for each line would take minutes."""
    monkeypatch.chdir(folder_with_a_song)
    monkeypatch.setenv("KERAS_MUSICTAG_HOME", str(folder_with_a_song / "home"))  # not the user's own music library

    def run_line(line):
        program, *arguments = shlex.split(line)
        assert program == "keras-musictag"
        return call(*arguments)

    return run_line


@pytest.mark.slow
@pytest.mark.parametrize("line", blocks("console")[0].splitlines())
def test_the_command_runs(line, command):
    outcome = command(line)
    assert outcome.code == 0, outcome.err
    assert outcome.out and not outcome.err


@pytest.mark.slow
@pytest.mark.parametrize("lines", blocks("console")[1:])
def test_the_commands_run_one_after_the_other(lines, command, folder_with_a_song):
    # A few songs are enough to see that it runs, and for fine-tuning, one epoch with the head alone and one with all
    # layers instead of 25. The experiment chooses by an AUC, which needs two tags in the parts valid and test.
    add_songs(folder_with_a_song, per_tag=2 if "finetune" in lines else 10)
    for line in lines.splitlines():
        outcome = command(f"{line} --epochs 1" if " finetune " in line else line)
        assert outcome.code == 0, f"{line}: {outcome.err}"
        assert outcome.out, line


@pytest.mark.slow
@pytest.mark.needs("posix")  # the scripts are for bash
@pytest.mark.parametrize("songs", [0, 2], ids=["the_demo_clip", "own_songs"])
def test_the_demo_tags_and_plots(songs, folder_with_a_song):
    """Runs in this checkout, whose environment exists: CI makes one before it runs the tests."""
    shutil.copy(folder_with_a_song / "song.mp3", folder_with_a_song / "with space.mp3")
    names = ["song.mp3", "with space.mp3"][:songs]
    done = run([ROOT / "scripts" / "demo", *names], folder_with_a_song)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    pictures = [Path(p) for p in re.findall(r"over time: (.+\.png)$", done.stdout, flags=re.MULTILINE)]
    assert [p.stem for p in pictures] == [f"{Path(n).stem}.taggram" for n in names or ["demo.mp3"]]
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG")
        picture.unlink()
    assert done.stdout.count("flute") == max(songs, 1)
    assert done.stdout.endswith("bin/keras-musictag serve\n")


def test_the_readme_opens_with_the_two_scripts():
    indented = re.findall(r"^    (\S+)$", README, flags=re.MULTILINE)
    assert indented == ["scripts/demo", "scripts/test"]
    assert README.index("scripts/test") < README.index("##")
    assert all(os.access(ROOT / script, os.X_OK) for script in SCRIPTS)


def test_every_link_has_a_target():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_the_table_of_models_equals_the_zoo():
    rows = re.findall(r"^\| `([a-z0-9_]+)` \| .* \| ([0-9.]+) s \| (.+) \|$", README, flags=re.MULTILINE)
    entries = kmt.list_models()
    weights = {name: [e.dataset for e in entries if e.architecture == name] for name in architectures.names()}
    assert {name: listed.split(", ") for name, _, listed in rows} == {
        name: datasets or ["none yet"] for name, datasets in weights.items()
    }
    for name, seconds, _ in rows:
        chunking = architectures.get(name).CHUNKING
        assert float(seconds) == pytest.approx(chunking.chunk_samples / chunking.sample_rate_hz, abs=0.01)

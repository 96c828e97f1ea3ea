import json
import os
import re
import sys

import numpy as np
import pytest

from keras_musictag import EngineTagger, build
from keras_musictag.cli import export as command
from keras_musictag.cli._chatter import without_chatter
from keras_musictag.engines.tagger import ENGINES
from keras_musictag.exporting.network import INPUT_NAMES


def test_an_export_tells_its_differences_and_tags_as_the_tagger(call, vgg, tagger, demo, folder):
    outcome = call("export", "out", *vgg, "--format", "onnx")
    assert (outcome.code, outcome.err) == (0, "")
    head, *rows, wrote, example = outcome.out.splitlines()
    assert head == "Largest difference of a score from Keras, at most 1e-04:"
    artefact = json.loads((folder / "out" / "artefact.json").read_text())
    told = [re.fullmatch(r"  (\w+(?: \w+)?) +(\d\.\de[+-]\d\d)", row).groups() for row in rows]
    assert told == [(signal, f"{difference:.1e}") for signal, difference in artefact["checks"].items()]
    assert [signal for signal, _ in told] == ["music", "silence", "noise", "full scale"]
    assert artefact["licences"]["weights"]
    assert wrote == "Wrote out. To tag with it:" and example == "  python out/example.py song.mp3"
    found = EngineTagger("out").tag(demo)
    np.testing.assert_allclose(found.scores, tagger.tag(demo).scores, atol=1e-5)


def test_a_saved_keras_file_is_exported_as_the_options_say(call, folder):
    build("vgg", tags=["calm", "wild"], name="mine").save("mine.keras")
    options = ["--format", "onnx", "--precision", "float16", "--input", "log-mel"]
    outcome = call("export", "out", "--model", "mine.keras", *options)
    assert (outcome.code, outcome.err) == (0, "")
    artefact = EngineTagger("out").artefact
    assert (artefact.name, artefact.precision, artefact.input) == ("mine", "float16", "log-mel")
    assert list(artefact.vocabulary) == ["calm", "wild"]
    assert artefact.licences == {}


@pytest.mark.slow
def test_the_installed_script_says_nothing_else(run, folder, vgg):
    """The converter's libraries would write to standard error."""
    outcome = run("export", "out", *vgg, "--format", "onnx", cwd=folder)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-2] == "Wrote out. To tag with it:"
    assert [path.name for path in folder.iterdir()] == ["out"]


@pytest.mark.slow
def test_a_version_is_the_name_of_a_savedmodels_folder(call, vgg, folder):
    assert call("export", "served", *vgg, "--format", "savedmodel", "--version", "7").code == 0
    assert [path.name for path in (folder / "served").iterdir() if path.is_dir()] == ["7"]


def test_chatter_is_held_back_and_warnings_are_told(capfd):
    with without_chatter():
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n")
        os.write(2, b"I0000 00:00:1795362991.413190   29479 single_machine.cc:376] Starting new session\n")
        print("Warning: this is of use", file=sys.stderr)
    assert capfd.readouterr().err == "Warning: this is of use\n"
    with pytest.raises(ValueError), without_chatter():
        os.write(2, b"E0000 00:00:1795362991.413190   29479 a.cc:3] broken\n")
        raise ValueError
    assert "broken" in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--format", "onnx", "--precision", "int8"], "There is no precision of onnx 'int8'"),
        (["--format", "onnx", "--version", "2"], "`version` must be"),
        (["--format", "keras", "--input", "log-mel"], "There is no input of keras 'log-mel'"),
    ],
)
def test_what_a_format_cannot_be_is_one_line(call, vgg, folder, arguments, said):
    outcome = call("export", "out", *vgg, *arguments)
    assert (outcome.code, outcome.out) == (1, "")
    assert said in outcome.err and outcome.err.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_a_taken_folder_is_one_line_and_left_alone(call, vgg, folder):
    (folder / "out").mkdir()
    (folder / "out" / "mine.txt").write_text("mine")
    outcome = call("export", "out", *vgg, "--format", "onnx")
    assert (outcome.code, outcome.out) == (1, "")
    assert "out is there already" in outcome.err and outcome.err.count("\n") == 1
    assert [path.name for path in (folder / "out").iterdir()] == ["mine.txt"]


def test_the_format_must_be_said(call, vgg):
    outcome = call("export", "out", *vgg)
    assert outcome.code == 2 and "--format" in outcome.err


def test_the_choices_are_those_of_the_library():
    assert set(command.FORMATS) == ENGINES.keys()
    assert set(command.INPUTS) == INPUT_NAMES.keys()

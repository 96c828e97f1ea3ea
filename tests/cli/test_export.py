"""`keras-musictag export`: what it passes to the library, and what it prints."""

import os
import re
import shutil
import sys
from types import SimpleNamespace

import keras
import pytest

from keras_musictag import EngineTagger, build
from keras_musictag.bundled_files import bundled
from keras_musictag.choices import EXPORT_PRECISIONS, INPUTS
from keras_musictag.cli._messages import log_lines_hidden
from keras_musictag.runtimes import check_signals, formats
from keras_musictag.runtimes.artefact import INPUT_NAMES
from keras_musictag.runtimes.formats import onnx


def test_a_keras_file_is_exported_according_to_the_options(call, folder, track, monkeypatch):
    keras.utils.set_random_seed(0)
    build("vgg", tags=["calm", "wild"], name="mine").save("mine.keras")
    received, make = [], check_signals.signals
    monkeypatch.setattr(check_signals, "signals", lambda tagger, audio: received.append(audio) or make(tagger, audio))
    options = ["--format", "onnx", "--precision", "float16", "--input", "log-mel", "--audio", track]
    outcome = call("export", "out", "--model", "mine.keras", *options)
    assert (outcome.code, outcome.err) == (0, "")
    artefact = EngineTagger("out").artefact
    assert (artefact.name, artefact.precision, artefact.input) == ("mine", "float16", "log-mel")
    assert list(artefact.vocabulary) == ["calm", "wild"]
    assert artefact.licences == {}
    assert received == [track]

    head, *rows, wrote, example = outcome.out.splitlines()
    assert head == f"Largest difference of a score from Keras (allowed: {artefact.tolerance:.0e}):"
    printed = [re.fullmatch(r"  (\w.*\w)  +(\d\.\de[+-]\d\d)", row).groups() for row in rows]
    assert printed == [(signal, f"{difference:.1e}") for signal, difference in artefact.checks.items()]
    assert [signal for signal, _ in printed] == ["music", "silence", "noise", "full scale", "music, from the waveform"]
    assert len(set(map(len, rows))) == 1
    assert wrote == "Wrote out. To tag with it:" and example == "  python out/example.py song.mp3"


@pytest.mark.slow
def test_the_installed_script_prints_nothing_else(run, folder, vgg):
    """The converter's libraries write to standard error."""
    outcome = run("export", "out", *vgg, "--format", "onnx", cwd=folder)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-2] == "Wrote out. To tag with it:"
    assert [path.name for path in folder.iterdir()] == ["out"]


@pytest.fixture
def asked(monkeypatch):
    """Records what the command passes to the library; exports nothing."""
    calls = []

    def export(tagger, format, path, precision, input, version, licences, audio):
        calls.append({"tagger": tagger.name, "version": version, "licences": licences, "audio": audio})
        return SimpleNamespace(tolerance=1e-3, checks={"music": 0.0})

    monkeypatch.setattr("keras_musictag.runtimes.exporting.export", export)
    return calls


def test_only_published_weights_have_licences(call, vgg, folder, asked):
    shutil.copy(bundled("zoo") / "vgg-mtat-v1" / "weights.safetensors", "mine.safetensors")
    mine = ["--model", "vgg", "--weights", "mine.safetensors"]
    for model in (vgg, mine):
        assert call("export", "out", *model, "--format", "savedmodel", "--version", "7").code == 0
    assert asked[0]["licences"].keys() == {"code", "weights", "training_data"}
    assert asked[1]["licences"] is None
    assert [(call["version"], call["audio"]) for call in asked] == [(7, None)] * 2


def test_log_lines_are_hidden_and_warnings_are_printed(capfd):
    with log_lines_hidden():
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n")
        os.write(2, b"I0000 00:00:1795362991.413190   29479 single_machine.cc:376] Starting new session\n")
        print("Warning: this is of use", file=sys.stderr)
    assert capfd.readouterr().err == "Warning: this is of use\n"
    with pytest.raises(ValueError), log_lines_hidden():
        os.write(2, b"E0000 00:00:1795362991.413190   29479 a.cc:3] broken\n")
        raise ValueError
    assert "broken" in capfd.readouterr().err


def test_without_standard_error_nothing_is_hidden(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)  # as after `2>&-`
    with pytest.raises(ValueError, match="from the block"), log_lines_hidden():
        raise ValueError("from the block")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--format", "onnx", "--precision", "int8"], "There is no precision of onnx 'int8'"),
        (["--format", "onnx", "--version", "2"], "`version` must be"),
        (["--format", "keras", "--input", "log-mel"], "There is no input of keras 'log-mel'"),
    ],
)
def test_an_unsupported_option_of_a_format_is_one_line(call, vgg, folder, arguments, said):
    outcome = call("export", "out", *vgg, *arguments)
    assert (outcome.code, outcome.out) == (1, "")
    assert said in outcome.err and outcome.err.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_invalid_music_is_reported_before_the_export(call, vgg, folder, not_music, monkeypatch):
    monkeypatch.setattr(onnx, "write", lambda *_: pytest.fail("the export started"))
    outcome = call("export", "out", *vgg, "--format", "onnx", "--audio", not_music)
    assert (outcome.code, outcome.out) == (1, "")
    assert not_music in outcome.err and outcome.err.count("\n") == 1
    outcome = call("export", "out", *vgg, "--format", "onnx", "--audio", "gone.mp3")
    assert outcome.code == 2 and "gone.mp3" in outcome.err
    assert [path.name for path in folder.iterdir()] == [not_music]


def test_an_existing_folder_is_one_line_and_unchanged(call, vgg, folder):
    (folder / "out").mkdir()
    (folder / "out" / "mine.txt").write_text("mine")
    outcome = call("export", "out", *vgg, "--format", "onnx")
    assert (outcome.code, outcome.out) == (1, "")
    assert "out already exists" in outcome.err and outcome.err.count("\n") == 1
    assert [path.name for path in (folder / "out").iterdir()] == ["mine.txt"]


def test_the_format_is_required(call, vgg):
    outcome = call("export", "out", *vgg)
    assert outcome.code == 2 and "--format" in outcome.err


def test_the_choices_are_those_of_the_library():
    writers = [formats.get(name) for name in formats.names()]
    assert set(INPUTS) == INPUT_NAMES.keys() == {form for writer in writers for form in writer.INPUTS}
    assert set(EXPORT_PRECISIONS) == {precision for writer in writers for precision in writer.PRECISIONS}

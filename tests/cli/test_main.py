"""The group of commands: what it loads, how it fails, what it does when the reader has gone."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import keras_musictag

HEAVY = {"tensorflow", "keras", "kapre", "librosa", "numba", "scipy", "sklearn", "matplotlib", "av"}
COMMANDS = ["embed", "models", "tag", "taggram"]


def imported(err: str) -> set[str]:
    """The top-level packages that an import-time report names."""
    rows = [line.rpartition("|")[2].strip() for line in err.splitlines() if line.startswith("import time:")]
    return {row.split(".")[0] for row in rows}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["tag", "--help"], ["models"], ["models", "--help"]])
def test_what_runs_no_network_loads_none(run, environment, folder, arguments):
    outcome = run(*arguments, cwd=folder, env={**environment, "PYTHONPROFILEIMPORTTIME": "1"})
    packages = imported(outcome.err)
    assert outcome.code == 0
    assert {"click", "keras_musictag"} <= packages  # the report is there
    assert not packages & HEAVY


def cpu_seconds(command, folder) -> float:
    """User and system time of a process and its children; the least of three runs."""

    def once():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(3))


def test_help_takes_less_than_three_tenths_of_a_second_more_than_python(script, folder):
    bare = cpu_seconds([sys.executable, "-c", "pass"], folder)
    assert cpu_seconds([script, "--help"], folder) - bare < 0.3


def test_help_names_every_command_and_every_command_has_help(call):
    text = call("--help").out
    for name in COMMANDS:
        assert f"\n  {name} " in text
        outcome = call(name, "-h")
        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.startswith(f"Usage: keras-musictag {name} ")


def test_help_shows_defaults(call):
    text = " ".join(call("tag", "--help").out.split())
    for default in ("[default: musicnn]", "[default: 10;", "[default: mean]", "[default: anchor]", "[default: table]"):
        assert default in text


def test_version_is_the_packages(call):
    assert call("--version").out == f"keras-musictag, version {keras_musictag.__version__}\n"


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["tagg"], "No such command 'tagg'"),
        (["tag"], "Missing argument 'PATH...'"),
        (["tag", "a.mp3", "--colour"], "--colour"),
        (["tag", "a.mp3", "--top", "0"], "'--top': 0 is not in the range x>=1"),
        (["tag", "a.mp3", "--top", "many"], "'--top': 'many' is not a valid integer"),
        (["tag", "a.mp3", "--aggregate", "sum"], "'sum' is not one of 'mean', 'median', 'max'"),
        (["tag", "a.mp3", "--tail", "cut"], "'cut' is not one of 'anchor', 'pad', 'drop'"),
        (["tag", "a.mp3", "--format", "xml"], "'xml' is not one of 'table', 'json', 'csv'"),
        (["tag", "a.mp3", "--hop-seconds", "long"], "'long' is not a valid float"),
        (["taggram", "a.mp3", "--format", "jpg"], "'jpg' is not one of 'png', 'svg', 'pdf', 'csv'"),
        (["embed"], "Missing argument 'PATH...'"),
        (["models", "--format", "xml"], "'xml' is not one of 'table', 'json', 'csv'"),
        (["models", "a", "b"], "unexpected extra argument"),
    ],
)
def test_a_wrong_call_exits_with_2_and_says_what_is_wrong(call, arguments, said):
    outcome = call(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("hop_seconds", ["0", "-1", "nan", "inf"])
def test_a_hop_that_is_not_positive_is_a_wrong_call(call, track, vgg, hop_seconds):
    outcome = call("tag", track, *vgg, "--hop-seconds", hop_seconds)
    assert "hop" in outcome.err
    assert outcome.code == 2


@pytest.mark.parametrize(
    "options, said",
    [
        (["--model", "musicn"], "There is no model 'musicn'. Did you mean 'musicnn'? Known: "),
        (["--model", "no/such"], "There is no model at no/such."),
        (["--model", "gone.keras"], "There is no model at gone.keras."),
        (["--model", "vgg-msd-v1", "--weights", "mtat"], "Received: weights='mtat'."),
        (["--model", "vgg", "--weights", "jam"], "Known: mtat, msd, vgg-mtat-v1, vgg-msd-v1"),
        (["--model", "./"], "is no zoo entry: it has no card.json."),
    ],
)
@pytest.mark.parametrize("command", ["tag", "taggram", "embed"])
def test_a_wrong_model_is_one_line_and_exit_code_1(call, track, command, options, said):
    outcome = call(command, track, *options)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("Error: ") and said in outcome.err
    assert outcome.err.count("\n") == 1


def test_the_variable_for_developers_shows_the_traceback(monkeypatch, track):
    monkeypatch.setenv("KERAS_MUSICTAG_TRACEBACK", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setattr(sys, "argv", ["keras-musictag", "tag", track, "--model", "musicn"])
    with pytest.raises(keras_musictag.UnknownNameError, match="Did you mean 'musicnn'"):
        keras_musictag.cli.main()


@pytest.fixture
def closed_pipe():
    """The writing end of a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize(
    "arguments", [["--help"], *(["models", "--format", form] for form in ("table", "json", "csv"))]
)
def test_a_reader_that_has_gone_is_no_error_to_tell(run, folder, closed_pipe, arguments):
    assert run(*arguments, cwd=folder, stdout=closed_pipe).err == ""


def test_the_first_line_of_a_pipe_arrives_and_the_rest_is_not_missed(script, environment, folder):
    done = subprocess.run(
        ["bash", "-c", f"'{script}' models --format csv | head -n 1"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "name,architecture,dataset,num_tags,parameters,licence,summary\n"
    assert done.stderr == ""


@pytest.mark.slow
def test_a_reader_that_has_gone_from_the_tags_is_no_error_to_tell(run, folder, track, vgg, closed_pipe):
    assert run("tag", track, *vgg, "--format", "csv", cwd=folder, stdout=closed_pipe).err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a full disk that Linux has")
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_full_disk_behind_the_output_is_one_line_and_exit_code_1(run, folder, form):
    with open("/dev/full", "wb") as full:
        outcome = run("models", "--format", form, cwd=folder, stdout=full)
    assert (outcome.code, outcome.err) == (1, "Error: No space left on device.\n")

"""The group of commands: what it loads, how it fails, what it does when the reader of a pipe has closed it."""

import gc
import os
import resource
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import keras_musictag
from keras_musictag.choices import CRITERIA, PRECISIONS
from keras_musictag.metrics import decisions
from keras_musictag.tagger.network import POLICIES
from keras_musictag.zoo import user_folder

HEAVY = {"tensorflow", "keras", "kapre", "librosa", "numba", "scipy", "sklearn", "matplotlib", "av"}
COMMANDS = [
    "compare",
    "embed",
    "evaluate",
    "gmtag",
    "models",
    "prepare",
    "records",
    "tag",
    "taggram",
    "train",
    "zoo",
]


def imported(err: str) -> set[str]:
    """The top-level packages that an import-time report names."""
    rows = [line.rpartition("|")[2].strip() for line in err.splitlines() if line.startswith("import time:")]
    return {row.split(".")[0] for row in rows}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["tag", "--help"], ["models"], ["models", "--help"]])
def test_commands_without_a_network_load_no_library(run, environment, folder, arguments):
    outcome = run(*arguments, cwd=folder, env={**environment, "PYTHONPROFILEIMPORTTIME": "1"})
    packages = imported(outcome.err)
    assert outcome.code == 0
    assert {"click", "keras_musictag"} <= packages  # the report exists
    assert not packages & HEAVY


def cpu_seconds(command, folder) -> float:
    """User and system time of a process and its children: the minimum of three runs."""

    def once():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(3))


def test_help_takes_less_than_0_3_seconds(script, folder):
    bare = cpu_seconds([sys.executable, "-c", "pass"], folder)
    assert cpu_seconds([script, "--help"], folder) - bare < 0.3


def test_help_lists_every_command_and_each_has_help(call):
    text = call("--help").out
    for name in COMMANDS:
        assert f"\n  {name} " in text
        outcome = call(name, "-h")
        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.startswith(f"Usage: keras-musictag {name} ")


def every_command(command):
    yield command
    for part in getattr(command, "commands", {}).values():
        yield from every_command(part)


def test_lists_of_commands_show_whole_sentences(call):
    for group in ([], ["gmtag"], ["prepare"], ["records"], ["zoo"]):
        summaries = call(*group, "--help").out.partition("\nCommands:\n")[2].splitlines()
        assert summaries and all(line.endswith(".") and not line.endswith("...") for line in summaries)


def test_every_option_says_what_it_does():
    group = keras_musictag.cli.keras_musictag_group
    commands = [found for name in group.list_commands(None) for found in every_command(group.get_command(None, name))]
    options = [option for command in commands for option in command.params if option.param_type_name == "option"]
    assert len(options) > 80
    for option in options:  # a verb or a noun, as in "Random seed for the split.", not "Of the split."
        assert option.help and option.help[0].isupper() and not option.help.startswith(("Of ", "At ", "Over ")), option


def test_help_shows_defaults(call):
    text = " ".join(call("tag", "--help").out.split())
    for default in ("[default: musicnn]", "[default: 10;", "[default: mean]", "[default: anchor]", "[default: table]"):
        assert default in text


def test_a_command_looks_for_garbage_less_often(call):
    """TensorFlow's start would take a tenth longer."""
    gc.set_threshold(700, 10, 10)
    call("--version")
    assert gc.get_threshold() == (50_000, 10, 10)


def test_version_is_that_of_the_package(call):
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
def test_invalid_usage_exits_with_2_and_states_the_cause(call, arguments, said):
    outcome = call(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("hop_seconds", ["0", "-1", "nan", "inf"])
def test_a_hop_that_is_not_positive_is_invalid_usage(call, track, vgg, hop_seconds):
    outcome = call("tag", track, *vgg, "--hop-seconds", hop_seconds)
    assert "hop" in outcome.err
    assert outcome.code == 2


@pytest.mark.parametrize(
    "options, said",
    [
        (["--model", "musicn"], "There is no model 'musicn'. Did you mean 'musicnn'? Known: "),
        (["--model", "no/such"], "There is no model at no/such; expected"),
        (["--model", "gone.keras"], "There is no model at gone.keras; expected"),
        (["--model", "vgg-msd-v1", "--weights", "mtat"], "Received: weights='mtat'."),
        (["--model", "vgg", "--weights", "jam"], "Known: mtat, msd, vgg-mtat-v1, vgg-msd-v1"),
        (["--model", "./"], "is not a zoo entry: it has no card.json."),
    ],
)
@pytest.mark.parametrize("command", ["tag", "taggram", "embed"])
def test_a_wrong_model_is_one_line_and_exit_code_1(call, track, command, options, said):
    outcome = call(command, track, *options)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("Error: ") and said in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_variable_shows_developers_the_traceback(monkeypatch, track):
    monkeypatch.setenv("KERAS_MUSICTAG_TRACEBACK", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setattr(sys, "argv", ["keras-musictag", "tag", track, "--model", "musicn"])
    with pytest.raises(keras_musictag.UnknownNameError, match="Did you mean 'musicnn'"):
        keras_musictag.cli.main()


@pytest.fixture
def closed_pipe():
    """The writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize(
    "arguments", [["--help"], *(["models", "--format", form] for form in ("table", "json", "csv"))]
)
def test_a_closed_pipe_prints_no_error(run, folder, closed_pipe, arguments):
    assert run(*arguments, cwd=folder, stdout=closed_pipe).err == ""


def test_head_gets_the_first_line_without_an_error(script, environment, folder):
    done = subprocess.run(
        ["bash", "-c", f"'{script}' models --format csv | head -n 1"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "name,architecture,dataset,num_tags,parameters,licence,weights,summary\n"
    assert done.stderr == ""


@pytest.mark.parametrize("form", ["table", "csv"])
def test_a_closed_pipe_gives_exit_code_1(run, folder, closed_pipe, form):
    assert run("models", "--format", form, cwd=folder, stdout=closed_pipe).code == 1


@pytest.mark.usefixtures("loaded")
def test_a_pipe_closed_while_tagging_prints_no_error(call, track, vgg, closed_pipe, monkeypatch):
    """In this process: the tests above cover what Python itself does on exit."""
    with open(closed_pipe, "w", encoding="utf-8", closefd=False) as output:
        monkeypatch.setattr(sys, "stdout", output)
        outcome = call("tag", track, *vgg, "--format", "csv")
    assert (outcome.code, outcome.err) == (1, "")


@pytest.mark.needs("linux")  # /dev/full, a full disk
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_an_output_on_a_full_disk_is_one_line(run, folder, form):
    with open("/dev/full", "wb") as full:
        outcome = run("models", "--format", form, cwd=folder, stdout=full)
    assert (outcome.code, outcome.err) == (1, "Error: No space left on device.\n")


def test_a_warning_is_one_line(call):
    damaged = user_folder() / "vgg-msd-v9"
    damaged.mkdir(parents=True)
    (damaged / "card.json").write_text("{")
    outcome = call("models")
    assert outcome.code == 0
    assert outcome.err.startswith("Warning: A zoo entry was skipped. ") and outcome.err.count("\n") == 1


def test_redirected_output_is_utf_8_under_every_code_page(run, environment, folder):
    (folder / "table.csv").write_text("path,tags\na,\u4ea4\u97ff\nb,\u5354\u594f\nc,\n", encoding="utf-8")
    outcome = run("prepare", "csv", "table.csv", "out", cwd=folder, env={**environment, "PYTHONIOENCODING": "cp1252"})
    assert outcome.out.splitlines()[1] == "  tags: \u4ea4\u97ff 1, \u5354\u594f 1"


def test_a_command_runs_without_standard_output(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(sys, "argv", ["keras-musictag", "models"])
    monkeypatch.setattr(sys, "stdout", None)  # as under pythonw
    with pytest.raises(SystemExit) as exit_:
        keras_musictag.cli.main()
    assert not exit_.value.code


@pytest.mark.parametrize("command", ["tag", "taggram", "embed"])
def test_no_model_is_loaded_if_no_track_exists(run, environment, folder, command):
    outcome = run(command, "gone.mp3", "lost.mp3", cwd=folder, env={**environment, "PYTHONPROFILEIMPORTTIME": "1"})
    assert "tensorflow" not in imported(outcome.err)
    said = [line for line in outcome.err.splitlines() if not line.startswith("import time:")]
    assert [line.partition(";")[0] for line in said] == [
        "Error: There is no file 'gone.mp3'",
        "Error: There is no file 'lost.mp3'",
        "2 of 2 tracks failed.",
    ]
    assert (outcome.code, outcome.out) == (1, "")


def test_the_choices_are_those_of_the_library():
    assert tuple(POLICIES) == PRECISIONS
    assert tuple(decisions.CRITERIA) == CRITERIA


# The script for a first look, scripts/demo: tests/test_readme.py tests what it does without errors.
SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def demo_script(environment, folder):
    """A function that runs the Python program of scripts/demo in the working directory, where its output/ goes."""

    def run_demo(*songs) -> subprocess.CompletedProcess:
        command = [sys.executable, SCRIPTS / "demo.py", *songs]
        quiet = {**environment, "TF_CPP_MIN_LOG_LEVEL": "3"}  # as scripts/demo
        return subprocess.run(command, cwd=folder, env=quiet, capture_output=True, text=True)

    return run_demo


@pytest.mark.slow
def test_the_demo_reports_bad_songs_and_tags_the_others(demo_script, folder, track, not_music):
    done = demo_script("gone.mp3", not_music, track)
    gone, bad, summary = done.stderr.splitlines()
    assert done.returncode == 1
    assert gone.startswith("Error: There is no file 'gone.mp3'") and bad.startswith(f"Error: '{not_music}' is not")
    assert summary == "2 of 3 tracks failed."
    assert done.stdout.startswith("tones.wav, 7.0 s\n")
    assert [path.name for path in (folder / "output").iterdir()] == ["tones.taggram.png"]


def test_the_demo_rejects_two_songs_with_one_name(demo_script, folder):
    done = demo_script("a/song.mp3", "b/song.wav")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: Two of the tracks would be written to output/song.taggram.png")
    assert done.stderr.count("\n") == 1


@pytest.mark.needs("posix")  # the scripts are for bash
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_the_demo_has_help(folder, option):
    done = subprocess.run([SCRIPTS / "demo", option], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: scripts/demo [SONG...]\n")


# The environment that the scripts make, with a Python that only records how it was called.
FAKE_PYTHON = """#!/usr/bin/env bash
case "$*" in
  --version) echo "Python 3.11.0" ;;
  "-m venv --clear .venv")
    echo venv >> calls
    rm -rf .venv
    mkdir -p .venv/bin
    cp "$0" .venv/bin/python
    touch .venv/pip
    ;;
  "-m pip install"*) echo install >> calls ;;
  "-m pip --version") test -e .venv/pip ;;
esac
"""


@pytest.fixture
def checkout(folder):
    """A checkout with only the files that scripts/_environment.sh reads, and a replacement of Python."""
    root = folder / "my checkout"
    for part in ("scripts", "python"):
        (root / part).mkdir(parents=True)
    (root / "setup.py").touch()
    (root / "scripts" / "_environment.sh").write_bytes((SCRIPTS / "_environment.sh").read_bytes())
    python = root / "python" / "python3.11"
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    return root


def steps(root, extra="") -> list[str]:
    """The steps that making the environment took."""
    (root / "calls").unlink(missing_ok=True)
    path = f"{root / 'python'}{os.pathsep}{os.environ['PATH']}"
    make = f"set -euo pipefail; source scripts/_environment.sh; make_environment {extra}"
    subprocess.run(["bash", "-c", make], cwd=root, env={**os.environ, "PATH": path}, check=True)
    return (root / "calls").read_text().split() if (root / "calls").exists() else []


@pytest.mark.needs("posix")  # the scripts are for bash
def test_the_environment_is_made_once(checkout):
    assert [steps(checkout) for _ in range(2)] == [["venv", "install"], []]
    assert [steps(checkout, "test") for _ in range(2)] == [["install"], []]


@pytest.mark.needs("posix")  # the scripts are for bash
def test_an_unfinished_environment_is_made_again(checkout):
    steps(checkout)
    (checkout / ".venv" / "pip").unlink()
    (checkout / ".venv" / ".installed-package").unlink()
    assert [steps(checkout) for _ in range(2)] == [["venv", "install"], []]


@pytest.mark.needs("posix")  # the scripts are for bash
def test_an_interrupted_installation_is_finished(checkout):
    steps(checkout)
    (checkout / ".venv" / ".installed-package").unlink()
    assert [steps(checkout) for _ in range(2)] == [["install"], []]


@pytest.mark.needs("posix")  # the scripts are for bash
def test_a_moved_checkout_gets_a_new_environment(checkout):
    steps(checkout)
    moved = checkout.rename(checkout.with_name("moved"))
    assert [steps(moved) for _ in range(2)] == [["venv", "install"], []]

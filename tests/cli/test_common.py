import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from keras_musictag.cli._options import audio_source, each_track, output_files, print_notes


def test_results_go_to_the_stem_of_each_track(folder):
    files = output_files(("x/a.b.mp3", "c", "-"), folder / "out", ".npz")
    assert {path: file.name for path, file in files.items()} == {"x/a.b.mp3": "a.b.npz", "c": "c.npz", "-": "stdin.npz"}
    assert all(file.parent == folder / "out" for file in files.values())


@pytest.mark.parametrize("paths", [("a.mp3", "b/a.wav"), ("a.mp3", "a.mp3"), ("a.mp3", "./a.mp3"), ("-", "stdin.wav")])
def test_two_tracks_of_one_name_are_refused(folder, paths):
    with pytest.raises(click.UsageError, match="Two of the tracks would be written to"):
        output_files(paths, folder / "out", ".npz")


def fail_on_odd(path):
    if int(path) % 2:
        raise ValueError(f"odd one out\nin {path!r}")
    return 10 * int(path)


def test_errors_are_reported_and_the_other_tracks_follow(capsys):
    results = []
    with pytest.raises(SystemExit) as exit_:
        results.extend(each_track(("0", "1", "2", "3", "4"), fail_on_odd))
    # `extend` keeps the results from before the exit
    assert results == [0, 20, 40]
    assert exit_.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "Error: odd one out in '1'\nError: odd one out in '3'\n2 of 5 tracks failed.\n"


def test_nothing_is_printed_without_errors(capsys):
    assert list(each_track(("0", "2"), fail_on_odd)) == [0, 20]
    assert capsys.readouterr() == ("", "")


def test_the_name_is_added_to_a_message_without_it(capsys):
    def fail(path):
        raise RuntimeError("broken")

    with pytest.raises(SystemExit):
        list(each_track((str(Path("x") / "song.mp3"),), fail))
    assert capsys.readouterr().err == "Error: x/song.mp3: RuntimeError: broken\n"


@pytest.mark.parametrize("path", ["a", "2", "memory", "no"])
def test_a_short_name_that_is_part_of_a_word_is_added(capsys, path):
    def fail(path):
        raise MemoryError("no memory for 2 arrays")

    with pytest.raises(SystemExit):
        list(each_track((path,), fail))
    assert capsys.readouterr().err == f"Error: {path}: MemoryError: no memory for 2 arrays\n"


# Three tracks; the second one gives a warning and then fails
WATCHED = """
import sys, warnings
from keras_musictag.cli import print_warning
from keras_musictag.cli._options import each_track

def process(path):
    if path == "b":
        warnings.warn("odd")
        raise ValueError("broken")
    return path

warnings.showwarning = print_warning
for path in each_track(("a", "b", "c"), process):
    print(path, "done", flush=True)
"""


def watch(**options) -> str:
    """What a user sees on a terminal of 60 columns, with its control codes."""
    import pty  # Windows has none

    reading, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "60"}
    done = subprocess.Popen(
        [sys.executable, "-c", WATCHED], stderr=terminal, env=environment, **({"stdout": terminal} | options)
    )
    os.close(terminal)
    seen = b""
    try:
        while part := os.read(reading, 4096):
            seen += part
    except OSError:  # on Linux: the other end was closed
        pass
    os.close(reading)
    assert done.wait() == 1
    return seen.decode()


def test_no_bar_if_the_output_is_on_the_terminal():
    assert watch().split("\r\n") == [
        "a done",
        "Warning: odd",
        "Error: b: broken",
        "c done",
        "1 of 3 tracks failed.",
        "",
    ]


def test_messages_and_the_bar_have_separate_lines(folder):
    with open("out.txt", "w") as out:
        seen = watch(stdout=out)
    assert Path("out.txt").read_text() == "a done\nc done\n"
    assert "0/3" in seen and "3/3" in seen
    # the code for "clear the line", followed directly by the message
    assert "\x1b[2KWarning: odd\r\n" in seen and "\x1b[2KError: b: broken\r\n" in seen
    assert seen.endswith("\x1b[2K1 of 3 tracks failed.\r\n")


def test_a_pipe_on_standard_input_is_read_in_pieces(monkeypatch):
    """Without seeking: `audio_source` returns a file object that the library copies."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file:
        file.write(b"RIFF")
    with os.fdopen(reading, "r") as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        file = audio_source("-")
        assert (file.name, file.seekable(), file.read(2), file.read()) == ("standard input", False, b"RI", b"FF")


def test_a_closed_standard_input_is_an_error(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ValueError, match="no standard input"):
        audio_source("-")


def test_notes_are_printed_with_their_track(capsys):
    print_notes("a.mp3", ("It is silent.", "It is short."))
    assert capsys.readouterr() == ("", "Note: a.mp3: It is silent.\nNote: a.mp3: It is short.\n")

"""`keras-musictag library scan`, `problems` and `info`: from a folder to the database, with one line at the end."""

import json
import re
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from keras_musictag.cli._library_scan import describe_duration
from keras_musictag.library import Database
from tests.library.music_folder import tune, write_music


@pytest.fixture
def music(folder):
    (folder / "music").mkdir()
    write_music(folder / "music" / "a.flac", 4.0, 1)
    write_music(folder / "music" / "b.mp3", 4.0, 2)
    (folder / "music" / "c\nd.mp3").write_text("words")
    return folder / "music"


@pytest.fixture
def options(exported_vgg_onnx):
    return ["--model", exported_vgg_onnx, "--engine", "onnx", "--jobs", "1"]


def test_a_folder_becomes_a_library(call, music, options, folder):
    done = call("library", "scan", music, *options, "--out", "tags.jsonl")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "Wrote 3 lines to tags.jsonl.\n2 tracks tagged, 1 problem (see `keras-musictag library problems`).\n"
    )
    tagged, _, problem = map(json.loads, (folder / "tags.jsonl").read_text().splitlines())
    assert tagged["path"] == str(music / "a.flac") and tagged["duration_seconds"] == 4.0
    assert len(tagged["scores"]["vgg-mtat-v1"]) == 50
    assert "not audio" in problem["problem"] and problem["path"].endswith("c\nd.mp3")

    (music / "b.mp3").unlink()
    (music / "empty").mkdir()
    done = call("library", "scan", music, *options)
    assert (done.out, done.err) == (
        "0 tracks tagged, 1 unchanged, 1 missing since the last scan, 1 known problem (see `keras-musictag library "
        "problems`).\n",
        "",
    )

    done = call("library", "problems", "--retry", *options)
    assert done.out.startswith(f"{music}/c\\nd.mp3: The file is not audio") and done.out.count("\n") == 1
    assert done.err == "Read 1 file again: 0 files tagged, 1 still with a problem.\n"
    (music / "c\nd.mp3").rename(folder / "elsewhere")
    done = call("library", "problems", "--retry", *options)
    assert "Read 0 files again" in done.err and "1 not found, which `keras-musictag library scan` looks for" in done.err
    (folder / "elsewhere").rename(music / "c\nd.mp3")
    lines = call("library", "info").out.splitlines()
    assert lines[1:3] == ["2 tracks, 0.1 minutes", "1 file tagged, 1 problem, 1 missing"]
    assert lines[3] == "vgg-mtat-v1: 2 tracks, 50 tags, embeddings of 256 numbers in 2.0 kB"


def test_an_unplugged_drive_is_a_few_notes(call, music, options):
    for number in range(12):
        (music / f"{number:02d}").symlink_to("/nowhere")
    lines = call("library", "scan", music, *options).err.splitlines()
    assert len(lines) == 11 and lines[0] == (
        f"Note: {music}/00 was not searched, and its files are not marked as missing. It is a link to something that "
        "does not exist."
    )
    assert lines[-1] == "Note: 2 more folders could not be searched, either."


def test_command_summaries_are_not_cut_off(call):
    summaries = call("library", "--help").out.partition("Commands:")[2].strip().splitlines()
    assert len(summaries) > 8 and not any(line.endswith("...") for line in summaries)


def test_durations_have_a_readable_unit():
    assert [describe_duration(seconds) for seconds in (294, 5400)] == ["4.9 minutes", "1.5 hours"]


def test_errors_are_one_line(call, music, options, folder):
    done = call("library", "scan", folder / "gone", *options)
    assert done.code == 1 and done.err.startswith("Error: There is no folder") and done.err.count("\n") == 1
    done = call("library", "problems", "--db", "none.db")
    assert done.code == 1 and "keras-musictag library scan FOLDER" in done.err
    done = call("library", "scan", music, "--engine", "none")
    assert done.code == 2 and "'none'" in done.err


@pytest.mark.slow
def test_the_commands_of_the_guide_run(call, music):
    music.rename("Music")
    shutil.copytree("Music", "More")
    guide = (Path(__file__).parents[2] / "docs" / "library.md").read_text(encoding="utf-8")
    lines = re.search(r"^## Scan folders\n\n```bash\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)[1].splitlines()
    done = [call(*shlex.split(line, comments=True)[1:]) for line in lines]
    assert [each.code for each in done] == [0] * len(lines), [each.err for each in done]
    assert "2 tracks tagged, 1 problem" in done[0].out
    assert "0 tracks tagged, 2 unchanged, 1 known problem" in done[1].out
    assert "2 tracks tagged, 2 recognised by their audio, 1 problem, 1 known problem" in done[2].out
    assert "Read 2 files again: 0 files tagged, 2 still with a problem." in done[4].err


@pytest.mark.slow
@pytest.mark.needs("posix")
def test_ctrl_c_ends_with_one_line_and_keeps_what_is_done(script, environment, options, folder):
    (folder / "music").mkdir()
    write_music(folder / "music" / "a.wav", 4.0, 1)
    soundfile.write(folder / "music" / "b.wav", np.tile(tune(4.0, 2).T, (225, 1)), 48000)  # 15 minutes
    arguments = [script, "library", "scan", "music", "--db", "library.db", "--nice", "1", *options]
    with subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True, cwd=folder) as process:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not _tagged_paths(folder / "library.db"):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == "Interrupted. Run the same command again to resume.\n"
    assert _tagged_paths(folder / "library.db") == [str(folder / "music" / "a.wav")]


def _tagged_paths(path):
    try:
        with Database(path) as database:
            return [file.path for model in database.models() for file in database.scored_files(model)]
    except FileNotFoundError:
        return []

"""The `example.py` of a folder tags a file with the folder alone, and is short, as a start for other programs."""

import ast
import subprocess
import sys

import pytest

import keras_musictag as kmt
from keras_musictag.architectures import short_chunk_cnn
from keras_musictag.runtimes import export
from tests.runtimes.blocked import BLOCKED_PROGRAM
from tests.runtimes.networks import random_tagger, written

ROUNDING = 2e-4  # an example prints four digits; another MP3 decoder and another order of sums
OURS = ("keras_musictag", "keras", "tensorflow")


def run_example(folder, blocked=OURS) -> str:
    """What it prints for the demo clip if some packages are missing."""
    program = BLOCKED_PROGRAM.format(blocked=list(blocked))
    command = [sys.executable, "-c", program, folder / "example.py", kmt.demo_clip()]
    done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tags_in(printed: str) -> list[tuple[float, str]]:
    return [(float(score), tag) for score, _, tag in (line.partition(" ") for line in printed.splitlines())]


def check_example(tagger, folder, blocked=OURS, tolerance=ROUNDING):
    check_tags(tagger, run_example(folder, blocked), tolerance)


def check_tags(tagger, printed, tolerance=ROUNDING):
    """Ten tags were printed: the tagger's, highest first."""
    found, wanted = tags_in(printed), tagger.tag(kmt.demo_clip(), top=None).tags
    assert [score for score, _ in found] == sorted((score for score, _ in found), reverse=True)
    assert len(found) == 10
    for score, tag in found:
        assert score == pytest.approx(dict(wanted)[tag], abs=tolerance)
    assert dict(wanted)[found[0][1]] == pytest.approx(wanted[0][1], abs=tolerance)


def test_it_tags_a_file_by_the_folder_alone(vgg, exported_vgg_onnx):
    check_example(vgg, exported_vgg_onnx)


def test_it_computes_decibels_of_reflected_ends(tmp_path):
    """The front end of most networks; that of `vgg` has logarithms of another kind, and context for ends."""
    config = short_chunk_cnn.Config(filters=(8,) * 7, units=16)
    tagger = random_tagger("short_chunk_cnn", chunk_seconds=3, config=config)
    frontend = tagger.spec.frontend_config
    assert (frontend.padding, frontend.compression) == ("reflect", "decibel")
    written(tagger, tmp_path, "onnx", form="log-mel")
    # a silent band's decibels are round-off, which random weights magnify more than trained ones: as for the formats
    check_example(tagger, tmp_path, tolerance=5e-4)


def test_it_is_fifteen_lines_after_the_imports(exported_vgg_onnx):
    text = (exported_vgg_onnx / "example.py").read_text("utf-8")
    last_import = max(
        node.end_lineno for node in ast.parse(text).body if isinstance(node, (ast.Import, ast.ImportFrom))
    )
    lines = [line.strip() for line in text.splitlines()[last_import:]]
    assert len([line for line in lines if line and not line.startswith("#")]) <= 15


@pytest.mark.slow
@pytest.mark.needs("bfloat16")
def test_one_in_bfloat16_opens_both_files(vgg, tmp_path):
    export(vgg, "openvino", tmp_path / "out", "bfloat16")
    check_example(vgg, tmp_path / "out", tolerance=2e-2)


def test_the_test_sees_an_import_that_is_blocked(tmp_path):
    (tmp_path / "needy.py").write_text("import keras_musictag.errors")
    command = [sys.executable, "-c", BLOCKED_PROGRAM.format(blocked=["keras_musictag"]), tmp_path / "needy.py"]
    assert "blocked by a test" in subprocess.run(command, capture_output=True, text=True).stderr

"""`scripts/bench_export.py` writes the table of docs/export.md: one architecture, measured for real."""

import importlib
import importlib.util
import json
from pathlib import Path

import pytest

from keras_musictag.exporting import FORMATS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_export", ROOT / "scripts" / "bench_export.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def measured(bench, tmp_path_factory):
    """State and document after one row was measured."""
    folder = tmp_path_factory.mktemp("bench")
    state, document = folder / "state" / "rows.json", folder / "export.md"
    document.write_text("# Title\n\n<!-- table -->\n\nBehind.\n", encoding="utf-8")
    options = ["vgg", "--formats", "onnx", "--precisions", "float32", "--seconds", "0.1"]
    arguments = [*options, "--state", str(state), "--table", str(document)]
    bench.main(arguments)
    return state, document, arguments


def test_a_row_says_size_difference_and_speed(measured, bench):
    rows = json.loads(measured[0].read_text())
    assert list(rows) == ["vgg onnx float32"]
    (row,) = rows.values()
    assert row["weights"] == "released" and row["batch"] is None
    assert 2e6 < row["bytes"] < 4e6
    assert set(row["checks"]) == {"music", "silence", "noise", "full scale"}
    assert 0 < row["checks"]["music"] < 1e-5
    for signal in ("chunk", "track"):
        assert row["seconds"][signal].keys() == {"engine", "keras"}
        assert all(0 < seconds < 60 for seconds in row["seconds"][signal].values())
    # ten chunks take longer than one; by how much depends on who else works on this machine
    assert row["seconds"]["track"]["engine"] > row["seconds"]["chunk"]["engine"]


def test_the_table_stands_between_its_marks(measured, bench):
    head, table, tail = measured[1].read_text().partition("<!-- table -->\n")
    table, _, tail = tail.partition("<!-- end of table -->")
    assert (head, tail) == ("# Title\n\n", "\n\nBehind.\n")
    lines = table.splitlines()
    assert len(lines) == 3 and lines[2].startswith("| vgg | released | onnx | float32 | any | 2.")
    assert len({line.count("|") for line in lines}) == 1


def test_what_was_measured_is_not_measured_again(measured, bench, monkeypatch):
    monkeypatch.setattr(bench, "in_a_process", lambda *_: pytest.fail("a row was measured twice"))
    before = measured[1].read_text()
    bench.main(measured[2])
    assert measured[1].read_text() == before


def test_what_does_not_convert_has_a_row_that_says_why(bench, tmp_path):
    document = tmp_path / "export.md"
    document.write_text("<!-- table -->\nold\n<!-- end of table -->\n", encoding="utf-8")
    rows = {
        "vgg onnx float16": {"weights": "released", "refused": "It needs the operators:\nA | B."},
        "crnn litert int8": {"refused": "Its process ended with code -11: It said nothing."},
        "vgg litert float32": {"refused": "x"},
    }
    bench.write_table(rows, document)
    lines = document.read_text().splitlines()[3:-1]
    assert [line.split(" | ")[:4] for line in lines] == [  # by network, then in the order of the formats
        ["| crnn", "", "litert", "int8"],
        ["| vgg", "", "litert", "float32"],
        ["| vgg", "released", "onnx", "float16"],
    ]
    assert "does not convert: It needs the operators: A \\| B." in lines[2]
    document.write_text("no mark", encoding="utf-8")
    with pytest.raises(SystemExit, match="<!-- table -->"):
        bench.write_table(rows, document)


def test_a_process_that_fails_makes_a_row(bench):
    row = bench.in_a_process("no_such_network", "onnx", "float32", 0)
    assert "no_such_network" in row["refused"]


def test_every_precision_of_every_format_has_its_row(bench):
    for format, name in FORMATS.items():
        writer = importlib.import_module(f"keras_musictag.exporting.{name}")
        assert set(bench.PRECISIONS[format]) == set(writer.PRECISIONS)


def test_random_weights_fit_the_music(bench):
    """Features in dB come out of the first normalisation around 0: else a difference says nothing."""
    tagger, weights = bench.tagger_of("short_chunk_cnn")
    assert weights == "random"
    from keras_musictag.exporting.signals import signals

    normalised = tagger.runner("input_norm")(signals(tagger)["music"][:2])
    assert abs(normalised.mean()) < 0.3 and 0.5 < normalised.std() < 2

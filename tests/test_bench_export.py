"""`scripts/bench_export.py` writes docs/export_table.md; here it really measures one architecture."""

import argparse
import importlib
import importlib.util
import json
from pathlib import Path

import pytest

import keras_musictag as kmt
from keras_musictag import architectures
from keras_musictag.runtimes import comparison, formats
from keras_musictag.runtimes.formats import onnx
from tests.runtimes.networks import differences_in_this_process

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_export", ROOT / "scripts" / "bench_export.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def measured(bench, tmp_path_factory):
    """The state, the document and the arguments after one row was measured."""
    folder = tmp_path_factory.mktemp("bench")
    state, document = folder / "state" / "rows.json", folder / "table.md"
    document.write_text("# Title\n\n<!-- tables -->\n\nBehind.\n", encoding="utf-8")
    options = ["vgg", "--formats", "onnx", "--precisions", "float32", "--inputs", "waveform", "--seconds", "0.1"]
    arguments = [*options, "--state", str(state), "--table", str(document)]
    bench.main(arguments)
    return state, document, arguments


def test_a_row_has_size_difference_and_speed(measured, bench):
    rows = json.loads(measured[0].read_text())
    assert list(rows) == ["vgg onnx float32 waveform"]
    (row,) = rows.values()
    assert row["weights"] == "released" and row["batch"] is None
    assert 2e6 < row["bytes"] < 4e6
    assert set(row["checks"]) == {"music", "silence", "noise", "full scale"}
    assert 0 < row["checks"]["music"] < 1e-5
    for signal in ("chunk", "track"):
        assert row["seconds"][signal].keys() == {"engine", "keras"}
        assert all(0 < seconds < 60 for seconds in row["seconds"][signal].values())
    # ten chunks take longer than one; how much longer depends on what else runs on this machine
    assert row["seconds"]["track"]["engine"] > row["seconds"]["chunk"]["engine"]


def test_the_tables_are_between_their_marks(measured, bench):
    head, tables, tail = measured[1].read_text().partition("<!-- tables -->\n")
    tables, _, tail = tail.partition("<!-- end of tables -->")
    assert (head, tail) == ("# Title\n\n", "\n\nBehind.\n")
    versions, summary, network = (part.splitlines() for part in tables.strip().split("\n\n## "))
    assert "onnxruntime" in versions[0]
    assert network[0] == "vgg (released weights)"
    assert len(network) == 5 and network[4].startswith("| onnx | float32 | waveform | any | 2.")
    assert len(summary) == 5 and summary[4].startswith("| onnx | float32 | waveform | 1 of 1 | ")
    for table in (summary[2:], network[2:]):
        assert len({line.count("|") for line in table}) == 1


def test_nothing_is_measured_twice(measured, bench, monkeypatch):
    monkeypatch.setattr(bench, "in_a_process", lambda *_: pytest.fail("a row was measured twice"))
    before = measured[1].read_text()
    bench.main(measured[2])
    assert measured[1].read_text() == before


def test_a_rejected_export_has_a_row_with_the_reason(bench, tmp_path):
    document = tmp_path / "table.md"
    document.write_text("<!-- tables -->\nold\n<!-- end of tables -->\n", encoding="utf-8")
    rows = {
        "vgg onnx float16 waveform": {"weights": "released", "refused": "It needs the operators:\nA | B."},
        "vgg onnx float32 log-mel": {"weights": "released", "refused": "x"},
        "crnn litert int8 waveform": {"refused": "Its process ended with code -11: It said nothing."},
        "vgg litert float32 waveform": {"refused": "x"},
    }
    bench.write_tables(rows, document)
    text = document.read_text()
    lines = [line.split(" | ")[:3] for line in text.partition("## crnn")[2].splitlines() if "refused" in line]
    assert lines == [  # by network, then by format
        ["| litert", "int8", "waveform"],
        ["| litert", "float32", "waveform"],
        ["| onnx", "float16", "waveform"],
        ["| onnx", "float32", "log-mel"],
    ]
    assert "refused: It needs the operators: A \\| B." in text and "old" not in text
    assert "| onnx | float16 | waveform | 0 of 1 |" in text
    document.write_text("no mark", encoding="utf-8")
    with pytest.raises(SystemExit, match="<!-- tables -->"):
        bench.write_tables(rows, document)


def test_a_difference_above_the_tolerance_is_marked(bench):
    row = {"weights": "random", "batch": None, "bytes": 1500000, "checks": {"music": 1e-5, "noise": 2e-3}}
    for tolerance, cell in ((3e-3, "2e-03"), (1e-3, "2e-03 (too large)")):
        line = bench.row_of("vgg onnx float32 waveform", row | {"tolerance": tolerance})
        assert line.startswith(f"| onnx | float32 | waveform | any | 1.5 | 1e-05 | {cell} |")


def test_the_summary_separates_released_and_random_weights(bench):
    def row(weights, difference, speed):
        times = {"engine": 1.0, "keras": speed}
        return {"weights": weights, "checks": {"music": difference}, "seconds": {"chunk": times, "track": times}}

    rows = (row("released", 1e-5, 1), row("random", 2e-4, 3), row("released", 3e-5, 2), row("its own", 0.5, 9))
    found = zip(("vgg", "crnn", "fcn", "my tagger"), rows, strict=True)  # the last is not an architecture: left out
    last = bench.summary({f"{name} onnx float32 waveform": row for name, row in found}).splitlines()[-1]
    speeds = "2.00 (1.00 to 3.00)"
    assert last == f"| onnx | float32 | waveform | 3 of 3 | {speeds} | {speeds} | 3e-05 | 2e-04 |"


@pytest.mark.parametrize("weights", ["random", "its own"])
def test_only_random_weights_may_exceed_the_tolerance(bench, monkeypatch, weights):
    tagger = kmt.build("vgg", tags=["calm", "wild"])
    monkeypatch.setattr(bench, "tagger_of", lambda _: (tagger, weights))
    monkeypatch.setitem(onnx.PRECISIONS, "float32", 1e-12)
    monkeypatch.setattr(comparison, "differences", differences_in_this_process)
    row = bench.measure("mine", "onnx", "float32", "waveform", None, 0)
    if weights == "random":
        assert row["tolerance"] == 1e-12 and row["checks"]["music"] > 1e-12
        assert "refused" not in row and "seconds" not in row
    else:
        assert row.keys() == {"weights", "refused"} and "differs from Keras by" in row["refused"]


def test_a_zoo_entry_has_its_own_weights(bench):
    assert bench.tagger_of("vgg-mtat-v1")[1] == "its own"
    assert bench.tagger_of("vgg")[1] == "released"


def test_the_table_has_every_export_of_every_architecture(bench):
    text = bench.TABLE.read_text("utf-8")
    assert text.count(bench.BEGIN) == text.count(bench.END) == 1
    tables = text.partition(bench.BEGIN)[2].partition(bench.END)[0]
    everything = argparse.Namespace(formats=formats.names(), precisions=None, inputs=list(bench.INPUTS))
    for name in architectures.names():
        section = tables.partition(f"\n## {name} (")[2].partition("\n## ")[0]
        lines = [line for line in section.splitlines() if line.startswith("| ")]
        rows = [tuple(line.strip("| ").split(" | ")[:3]) for line in lines[2:]]  # below the header and its rule
        assert sorted(rows) == sorted(bench.artefacts(name, everything)), name


def test_only_log_mel_networks_have_log_mel_rows(bench):
    class Options:
        formats, precisions, inputs = ["savedmodel", "litert"], ["float32"], ["waveform", "log-mel"]

    waveform = [("savedmodel", "float32", "waveform"), ("litert", "float32", "waveform")]
    assert bench.artefacts("sample_cnn_se", Options) == waveform
    assert bench.artefacts("harmonic_cnn", Options) == waveform
    assert bench.artefacts("vgg", Options) == [*waveform, ("litert", "float32", "log-mel")]


def test_a_failed_process_has_a_row(bench):
    row = bench.in_a_process("vgg", "onnx", "float32", "waveform", None, "soon")
    assert row["refused"].startswith("Its process ended with code 2:") and "'soon'" in row["refused"]


def test_every_precision_of_every_format_has_its_row(bench):
    for format in formats.names():
        writer = formats.get(format)
        assert set(bench.PRECISIONS[format]) == set(writer.PRECISIONS)
        assert (format in bench.WITH_LOG_MEL) == ("log-mel" in writer.INPUTS)


def test_random_weights_fit_the_music(bench):
    """The first normalisation brings features in dB close to 0; otherwise a difference would mean nothing."""
    tagger, weights = bench.tagger_of("musicnn_2020")
    assert weights == "random"
    from keras_musictag.runtimes.check_signals import signals

    normalised = tagger.runner("input_norm")(signals(tagger)["music"][:2])
    assert abs(normalised.mean()) < 0.3 and 0.5 < normalised.std() < 2

"""An exported folder is whole, was compared with Keras, or is not there."""

import csv
import importlib
import json
import shutil
import subprocess
import sys

import numpy as np
import openvino
import pytest

import keras_musictag as kmt
from keras_musictag.engines.artefact import read_artefact, sha256_of
from keras_musictag.engines.openvino import has_bfloat16
from keras_musictag.exporting import FORMATS, check, export, onnx
from keras_musictag.exporting.signals import expected, signals
from tests.exporting.blocked import BLOCKED_PROGRAM

FAST = "onnx"
ROUNDING = 2e-4  # an example shows four digits; another MP3 decoder, other sums


@pytest.fixture(scope="module")
def exported(vgg, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports") / "vgg"
    licences = {"code": "ISC", "weights": "ISC", "training_data": "CC BY-NC-SA 3.0"}
    return folder, export(vgg, FAST, folder, licences=licences)


def arrays_of(tagger, form="waveform"):
    return {f"{n}/{key}": array for n, part in expected(tagger, form).items() for key, array in vars(part).items()}


def test_the_signals_are_music_and_the_extremes(vgg):
    found = signals(vgg)
    assert {name: chunks.shape for name, chunks in found.items()} == {
        "music": (10, 48128),  # 29.2 s in chunks of 3 s
        "silence": (1, 48128),
        "noise": (1, 48128),
        "full scale": (1, 48128),
    }
    assert not found["silence"].any()
    assert set(np.unique(found["full scale"])) == {-1, 1}


def test_the_artefact_says_what_was_exported(exported, vgg):
    folder, artefact = exported
    assert artefact == read_artefact(folder)
    assert (artefact.name, artefact.format, artefact.precision, artefact.input) == (
        vgg.name,
        FAST,
        "float32",
        "waveform",
    )
    assert artefact.input_shape == (48128,)
    assert artefact.outputs == {"scores": (50,), "embedding": (256,)}
    assert artefact.model == vgg.spec.to_dict()
    assert artefact.vocabulary == vgg.vocabulary
    assert artefact.chunking == vgg.spec.chunking
    assert artefact.licences["weights"] == "ISC"
    assert artefact.versions["keras_musictag"] == kmt.__version__
    assert {"tensorflow", "keras"} <= artefact.versions.keys()
    for name, digest in artefact.files.items():
        assert sha256_of(folder / name) == digest


def test_the_differences_from_keras_are_measured_and_small(exported):
    _, artefact = exported
    assert list(artefact.checks) == ["music", "silence", "noise", "full scale"]
    assert 0 < max(artefact.checks.values()) <= artefact.tolerance  # another runtime's sums are never all the same


def test_the_tags_lie_in_the_order_of_the_scores(exported, vgg):
    rows = list(csv.DictReader((exported[0] / "tags.csv").read_text("utf-8").splitlines()))
    assert [row["tag"] for row in rows] == list(vgg.vocabulary)
    assert [row["group"] for row in rows] == list(vgg.vocabulary.groups)
    assert [int(row["index"]) for row in rows] == list(range(50))


def test_nothing_is_left_beside_the_folder(exported):
    folder, _ = exported
    assert [path.name for path in folder.parent.iterdir()] == ["vgg"]
    assert not [path for path in folder.rglob("*") if path.name.endswith(".part")]


def test_above_the_tolerance_nothing_is_left(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(onnx.PRECISIONS, "float32", 1e-12)  # which no runtime keeps
    with pytest.raises(kmt.ExportError, match=r"differs from Keras by .* on .*; at most 1e-12 is allowed"):
        export(tiny, FAST, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_another_models_scores_are_found_out(exported, vgg):
    arrays = arrays_of(vgg)
    arrays["noise/scores"] = arrays["noise/scores"] + np.float32(0.01)
    found = check.compare(exported[0], arrays)
    assert found["noise"] == pytest.approx(0.01, abs=1e-4)
    assert found["music"] < 1e-4
    arrays["noise/scores"] *= np.nan
    assert check.compare(exported[0], arrays)["noise"] == float("inf")


def test_another_layer_as_the_embedding_is_found_out(exported, vgg):
    arrays = arrays_of(vgg)
    rolled = {**arrays, "music/embedding": np.roll(arrays["music/embedding"], 1, axis=1)}
    with pytest.raises(kmt.ExportError, match="The embedding is not Keras's: the cosine"):
        check.compare(exported[0], rolled)
    with pytest.raises(kmt.ExportError, match="'embedding' of music has shape"):
        check.compare(exported[0], {**arrays, "music/embedding": arrays["music/embedding"][:, 1:]})


def test_a_model_that_does_not_run_is_one_sentence(exported, tiny, tmp_path):
    folder = tmp_path / "damaged"
    folder.mkdir()
    (model,) = exported[1].files
    data = json.loads((exported[0] / "artefact.json").read_text())
    (folder / model).write_bytes((exported[0] / model).read_bytes()[:5000])
    data["files"] = {model: sha256_of(folder / model)}
    (folder / "artefact.json").write_text(json.dumps(data))
    with pytest.raises(kmt.ExportError, match="^The exported model (does not run|ended the process)") as raised:
        check.differences(folder, expected(tiny, "waveform"))
    assert "\n" not in str(raised.value)


def test_a_taken_path_is_left_alone(exported, tiny):
    before = sorted(path.stat().st_mtime_ns for path in exported[0].iterdir())
    for format in (FAST, "savedmodel"):
        with pytest.raises(kmt.ExportError, match="Name another folder"):
            export(tiny, format, exported[0], version=1)
    assert sorted(path.stat().st_mtime_ns for path in exported[0].iterdir()) == before
    with pytest.raises(kmt.ExportError, match="is there already"):
        export(tiny, FAST, exported[0] / "tags.csv")


@pytest.fixture(scope="module")
def served(vgg, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports") / "served"
    folder.mkdir()  # an empty folder is as good as none
    export(vgg, "savedmodel", folder)
    return folder


@pytest.mark.slow
def test_versions_of_a_savedmodel_lie_side_by_side(served, tiny, tmp_path):
    folder = tmp_path / "served"
    shutil.copytree(served, folder)
    first = sha256_of(folder / "1" / "saved_model.pb")
    artefact = export(tiny, "savedmodel", folder, version=3)
    assert sorted(path.name for path in folder.iterdir()) == ["1", "3", "artefact.json", "example.py", "tags.csv"]
    assert sha256_of(folder / "1" / "saved_model.pb") == first
    assert {name.partition("/")[0] for name in artefact.files} == {"3"}
    assert read_artefact(folder) == artefact
    assert '"3"' in (folder / "example.py").read_text()
    for version in (1, 2, 3):
        with pytest.raises(kmt.ExportError, match=f"has a version 3. Received: version={version}"):
            export(tiny, "savedmodel", folder, version=version)
    assert [path.name for path in tmp_path.iterdir()] == ["served"]


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"format": "lite"}, kmt.UnknownNameError, "Did you mean 'litert'"),
        ({"format": "litert", "precision": "int4"}, kmt.UnknownNameError, "precision of litert 'int4'"),
        ({"format": "keras", "precision": "int8"}, kmt.UnknownNameError, "precision of keras 'int8'"),
        ({"format": "litert", "input": "mel"}, kmt.UnknownNameError, "Did you mean 'log-mel'"),
        ({"format": "keras", "input": "log-mel"}, kmt.UnknownNameError, "input of keras 'log-mel'"),
        ({"format": "litert", "version": 2}, ValueError, "`version` must be"),
        ({"format": "savedmodel", "version": 0}, ValueError, "`version` must be"),
    ],
)
def test_what_does_not_exist_is_told_before_anything_is_written(tiny, tmp_path, arguments, error, message):
    with pytest.raises(error, match=message):
        export(tiny, path=tmp_path / "out", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_tagger_without_a_head_is_refused(tmp_path):
    with pytest.raises(ValueError, match="include_top=False"):
        export(kmt.load("vgg", include_top=False), FAST, tmp_path / "out")


def test_the_public_name_is_the_function_whatever_was_imported_before():
    code = "import keras_musictag.{} as _; import keras_musictag as kmt; print(callable(kmt.export))"
    module = export.__module__.partition(".")[2]
    for imported in (module, "errors"):
        done = subprocess.run([sys.executable, "-c", code.format(imported)], capture_output=True, text=True, check=True)
        assert done.stdout == "True\n"


@pytest.fixture(scope="module")
def keras_folder(vgg, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports") / "keras"
    return folder, export(vgg, "keras", folder)


def test_the_keras_format_is_a_tagger_again(keras_folder, vgg):
    folder, artefact = keras_folder
    assert max(artefact.checks.values()) <= 1e-5
    again = kmt.load(folder / "model.keras")
    assert again.spec == vgg.spec
    batch = signals(vgg)["music"]
    np.testing.assert_array_equal(again.runner()(batch), vgg.runner()(batch))


def shown(result) -> list[tuple[float, str]]:
    """What an example prints of a track's tags."""
    return [(round(score, 4), tag) for tag, score in result.tags]


def scores_of(line: str) -> tuple[float, str]:
    score, _, tag = line.partition(" ")
    return float(score), tag


# format, input, precision, and how far a score may be
CASES = [
    ("onnx", "waveform", "float32", ROUNDING),
    ("onnx", "log-mel", "float32", ROUNDING),
    ("litert", "waveform", "float32", ROUNDING),
    ("openvino", "waveform", "float32", ROUNDING),
    pytest.param("openvino", "waveform", "bfloat16", 2e-2, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("format, form, precision, tolerance", CASES)
def test_the_example_tags_a_file_by_the_folder_alone(vgg, exported, tmp_path, format, form, precision, tolerance):
    folder = exported[0]
    if precision == "bfloat16" and not has_bfloat16(openvino.Core()):
        with pytest.raises(kmt.ExportError, match="has no bfloat16"):
            export(vgg, format, tmp_path / "out", precision, form)
        return
    if (format, form) != (FAST, "waveform"):
        folder = tmp_path / "out"
        export(vgg, format, folder, precision, form)
    check_example(vgg, folder, ["keras_musictag", "keras", "tensorflow"], tolerance)


@pytest.mark.slow
def test_the_example_of_a_savedmodel_needs_tensorflow_alone(vgg, served):
    check_example(vgg, served, ["keras_musictag", "kapre"])  # TensorFlow itself looks where Keras lies


def check_example(tagger, folder, blocked, tolerance=ROUNDING):
    """Runs it where some packages are missing, and compares what it prints with the tagger."""
    command = [sys.executable, "-c", BLOCKED_PROGRAM.format(blocked=blocked), folder / "example.py", kmt.demo_clip()]
    done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = [scores_of(line) for line in done.stdout.splitlines()]
    assert [score for score, _ in found] == sorted((score for score, _ in found), reverse=True)
    scores = tagger.tag(kmt.demo_clip(), top=None)
    assert len(found) == 10
    for score, tag in found:
        assert score == pytest.approx(dict(scores.tags)[tag], abs=tolerance)
    assert found[0][1] == scores.tags[0][0]


def test_the_test_sees_an_import_that_is_blocked(tmp_path):
    (tmp_path / "needy.py").write_text("import keras_musictag.errors")
    command = [sys.executable, "-c", BLOCKED_PROGRAM.format(blocked=["keras_musictag"]), tmp_path / "needy.py"]
    assert "blocked by a test" in subprocess.run(command, capture_output=True, text=True).stderr


@pytest.mark.slow
def test_the_example_of_the_keras_format_runs(keras_folder, vgg):
    command = [sys.executable, keras_folder[0] / "example.py", kmt.demo_clip()]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [scores_of(line) for line in done.stdout.splitlines()] == shown(vgg.tag(kmt.demo_clip()))


def test_every_format_has_its_module():
    for module in FORMATS.values():
        found = importlib.import_module(f"{export.__module__}.{module}")
        assert callable(found.write)
        assert set(found.INPUTS) <= {"waveform", "log-mel"}
        assert "float32" in found.PRECISIONS and all(0 < limit < 0.1 for limit in found.PRECISIONS.values())

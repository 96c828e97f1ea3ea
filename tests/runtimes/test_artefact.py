"""`artefact.json` describes an exported folder, and a damaged one is reported."""

import json
import shutil

import pytest

import keras_musictag as kmt
from keras_musictag.audio import Chunking
from keras_musictag.runtimes import Artefact, formats, read_artefact
from keras_musictag.runtimes.artefact import parse_artefact, sha256_of, versions, write_artefact


@pytest.fixture
def made(tmp_path) -> Artefact:
    """The smallest artefact that describes a folder."""
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "model.bin").write_bytes(b"weights")
    chunking = {"sample_rate_hz": 16000, "chunk_samples": 48000, "hop_samples": 24000, "context_samples": 0}
    artefact = Artefact(
        name="mine",
        format="onnx",
        precision="float32",
        input="log-mel",
        input_shape=(187, 96, 1),
        batch=1,
        outputs={"scores": (2,), "embedding": (256,)},
        model={"tags": [{"name": "日本", "group": "place"}, {"name": "rock", "group": "genre"}], "chunking": chunking},
        files={"1/model.bin": sha256_of(tmp_path / "1" / "model.bin")},
        checks={"music": 1.5e-7},
        tolerance=1e-4,
    )
    write_artefact(artefact, tmp_path)
    return artefact


def test_what_is_written_is_what_is_read(made, tmp_path):
    again = read_artefact(tmp_path)
    assert again == made
    assert list(again.outputs) == ["scores", "embedding"]  # the order is that of the model's outputs
    assert again.vocabulary.groups == ("place", "genre")
    assert again.chunking == Chunking(hop_samples=24000)


def test_a_folder_without_one_is_reported(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no artefact.json: `keras-musictag export` did not write"):
        read_artefact(tmp_path)


@pytest.mark.parametrize(
    "edit, said",
    [
        (lambda text: text[:50], "cannot be read"),
        (lambda text: "[]", "cannot be read"),
        (lambda text: "null", "cannot be read"),
        (lambda text: text.replace('"version": 1', '"version": 2'), "version 2, expected 1"),
        (lambda text: text.replace('"precision"', '"precison"'), "precison"),
        (lambda text: text.replace('"tolerance": 0.0001,', ""), "tolerance"),
        (lambda text: json.dumps({**json.loads(text), "files": []}), "cannot be read"),
        (lambda text: json.dumps({**json.loads(text), "format": []}), "cannot be read"),
        (lambda text: json.dumps({**json.loads(text), "format": "lite"}), "format 'lite', expected one of keras"),
    ],
)
def test_a_damaged_one_is_reported_in_one_sentence(made, tmp_path, edit, said):
    path = tmp_path / "artefact.json"
    path.write_text(edit(path.read_text()))
    with pytest.raises(ValueError, match=said):
        read_artefact(tmp_path)


def test_a_replaced_file_is_reported(made, tmp_path):
    (tmp_path / "1" / "model.bin").write_bytes(b"weightz")
    with pytest.raises(kmt.ChecksumError, match=r"model.bin is not the file that was exported"):
        read_artefact(tmp_path)
    shutil.rmtree(tmp_path / "1")
    with pytest.raises(kmt.ChecksumError, match=r"model.bin is missing"):
        read_artefact(tmp_path)
    assert parse_artefact(tmp_path) == made  # which looks at no other file


def test_versions_are_those_of_the_tools_that_are_installed(monkeypatch):
    assert versions("keras").keys() == {"keras_musictag", "tensorflow", "keras"}
    monkeypatch.setattr(formats.get("keras"), "TOOLS", ("keras", "a-package-that-nobody-has"))
    assert versions("keras").keys() == {"keras_musictag", "keras"}


def test_a_file_outside_the_folder_is_not_looked_at(made, tmp_path):
    path = tmp_path / "artefact.json"
    data = json.loads(path.read_text())
    path.write_text(json.dumps({**data, "files": {"../secret": "0"}}))
    with pytest.raises(ValueError, match="secret"):
        read_artefact(tmp_path)

"""The check detects a model that differs from Keras, and one that does not run."""

import json

import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag.runtimes import comparison, read_artefact
from keras_musictag.runtimes.artefact import sha256_of
from keras_musictag.runtimes.check_signals import KerasOutputs, keras_outputs, signals


@pytest.fixture(scope="module")
def arrays(vgg):
    wanted = keras_outputs(vgg, "waveform")
    return {f"{name}/{key}": array for name, part in wanted.items() for key, array in vars(part).items()}


def test_another_models_scores_are_detected(exported_vgg_onnx, arrays):
    arrays = {**arrays, "noise/scores": arrays["noise/scores"] + np.float32(0.01)}
    found = comparison.run_and_compare(exported_vgg_onnx, arrays)
    assert found["noise"] == pytest.approx(0.01, abs=1e-4)
    assert found["music"] < 1e-4
    arrays["noise/scores"] *= np.nan
    assert comparison.run_and_compare(exported_vgg_onnx, arrays)["noise"] == float("inf")


def test_another_layer_as_the_embedding_is_detected(exported_vgg_onnx, arrays):
    rolled = {**arrays, "music/embedding": np.roll(arrays["music/embedding"], 1, axis=1)}
    with pytest.raises(kmt.ExportError, match="The embedding differs from that of Keras: the cosine"):
        comparison.run_and_compare(exported_vgg_onnx, rolled)
    with pytest.raises(kmt.ExportError, match="'embedding' of music has shape"):
        comparison.run_and_compare(exported_vgg_onnx, {**arrays, "music/embedding": arrays["music/embedding"][:, 1:]})


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_an_embedding_must_be_finite_on_every_signal(exported_vgg_onnx, arrays, monkeypatch, number):
    # the other signals are one chunk each
    arrays = {key: array for key, array in arrays.items() if not key.startswith("music")}
    kept = {array.tobytes(): key.partition("/")[0] for key, array in arrays.items() if key.endswith("/inputs")}

    def engine(batch):
        name = kept[batch.tobytes()]
        outputs = {output: arrays[f"{name}/{output}"].copy() for output in ("scores", "embedding")}
        if name == "silence":
            outputs["embedding"][0, -1] = number
        return outputs

    monkeypatch.setattr(comparison, "open_engine", lambda *_: engine)
    with pytest.raises(kmt.ExportError, match="The embedding of silence must be finite"):
        comparison.run_and_compare(exported_vgg_onnx, arrays)


def test_a_long_file_is_run_a_few_chunks_at_a_time(exported_vgg_onnx, monkeypatch):
    sizes = []

    def engine(batch):
        sizes.append(len(batch))
        return {"scores": batch[:, :2], "embedding": batch}

    monkeypatch.setattr(comparison, "open_engine", lambda *_: engine)
    inputs = np.arange(60, dtype=np.float32).reshape(20, 3)
    scores = inputs[:, :2].copy()
    scores[-1, 0] += 0.5
    arrays = {"music/inputs": inputs, "music/scores": scores, "music/embedding": inputs}
    assert comparison.run_and_compare(exported_vgg_onnx, arrays) == {"music": 0.5}
    assert sizes == [8, 8, 4]


def test_a_model_that_does_not_run_is_one_sentence(exported_vgg_onnx, vgg, tmp_path, monkeypatch):
    (model,) = read_artefact(exported_vgg_onnx).files
    data = json.loads((exported_vgg_onnx / "artefact.json").read_text())
    (tmp_path / model).write_bytes((exported_vgg_onnx / model).read_bytes()[:5000])
    data["files"] = {model: sha256_of(tmp_path / model)}
    (tmp_path / "artefact.json").write_text(json.dumps(data))
    monkeypatch.chdir(tmp_path)  # a folder in which a file has the name of a Python module
    (tmp_path / "json.py").write_text("open('it was run', 'w')")
    with pytest.raises(kmt.ExportError, match="^The exported model (does not run|ended the process)") as raised:
        comparison.differences(tmp_path, keras_outputs(vgg, "waveform", {"silence": signals(vgg)["silence"]}))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "it was run").exists()


def test_a_model_that_hangs_is_ended(exported_vgg_onnx, monkeypatch):
    monkeypatch.setattr(comparison, "TIMEOUT_SECONDS", 0.01)
    with pytest.raises(kmt.ExportError, match=r"did not answer within 0\.01 s: it hangs"):
        comparison.differences(exported_vgg_onnx, {})
    monkeypatch.setattr(
        comparison, "TIMEOUT_SECONDS_PER_CHUNK", 0.01
    )  # a long file does not count as a model that hangs
    three = KerasOutputs(*np.zeros((3, 3, 2), np.float32))
    with pytest.raises(kmt.ExportError, match=r"did not answer within 0\.04 s: it hangs"):
        comparison.differences(exported_vgg_onnx, {"music": three})

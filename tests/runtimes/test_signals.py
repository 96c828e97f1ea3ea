"""The signals on which an export is compared, and Keras's outputs for them."""

import dataclasses
import io
import wave

import keras
import numpy as np
import pytest
from tensorflow.python.eager import context

import keras_musictag as kmt
from keras_musictag.runtimes import check_signals as module
from keras_musictag.runtimes.check_signals import keras_outputs, scores_and_embeddings, signals
from keras_musictag.tagger import Tagger


def silent_wav(samples: int, rate_hz: int) -> io.BytesIO:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, rate_hz, 0, "NONE", ""))
        wav.writeframes(bytes(2 * samples))
    return file


def test_the_signals_are_music_and_the_extremes(tiny):
    found = signals(tiny)
    assert {name: chunks.shape for name, chunks in found.items()} == {
        "music": (10, 48128),  # 29.2 s in chunks of 3 s
        "silence": (1, 48128),
        "noise": (1, 48128),
        "full scale": (1, 48128),
    }
    assert {chunks.dtype for chunks in found.values()} == {np.dtype("float32")}
    assert not found["silence"].any()
    assert set(np.unique(found["full scale"])) == {-1, 1}


def test_the_music_may_be_the_users(tiny):
    found = signals(tiny, silent_wav(16000, 16000))["music"]  # shorter than a chunk: padded
    assert found.shape == (1, 48128) and not found.any()


def test_what_cannot_be_tagged_is_refused_as_music(tiny, tmp_path):
    with pytest.raises(kmt.AudioError, match="too short to tag"):
        signals(tiny, silent_wav(1, 384000))
    with pytest.raises(FileNotFoundError):
        signals(tiny, tmp_path / "gone.mp3")
    (tmp_path / "words.mp3").write_text("just words")
    with pytest.raises(kmt.AudioError, match=r"words\.mp3"):
        signals(tiny, tmp_path / "words.mp3")


def test_keras_answers_in_float32_on_the_cpu_by_a_copy(tiny, monkeypatch):
    """Functions that were traced for the CPU would stay in the tagger, and a GPU rounds to TF32."""
    devices = []

    def watched(tagger):
        assert tagger is not tiny
        run = scores_and_embeddings(tagger)
        return lambda batch: devices.append(context.context().device_name) or run(batch)

    noise = {"noise": signals(tiny)["noise"]}
    with keras.device("cpu"):
        copy = Tagger(tiny.spec)
        copy.set_weights(tiny.get_weights())
        wanted = [copy.runner(layer)(noise["noise"]) for layer in (None, copy.embedding_layer)]
    monkeypatch.setattr(module, "scores_and_embeddings", watched)
    half = Tagger(tiny.spec, precision="bfloat16")
    half.set_weights(tiny.get_weights())
    for tagger in (tiny, half):
        found = keras_outputs(tagger, "log-mel", noise)["noise"]
        np.testing.assert_array_equal(found.scores, wanted[0])
        np.testing.assert_array_equal(found.embedding, wanted[1])
        assert found.inputs.shape == (1, 187, 96, 1)
    assert len(devices) == 2 and all("CPU:0" in device for device in devices)


def test_a_tagger_of_logits_is_compared_by_its_scores(tiny):
    logits = Tagger(dataclasses.replace(tiny.spec, classifier_activation=None))
    logits.set_weights(tiny.get_weights())
    noise = signals(tiny)["noise"]
    np.testing.assert_array_equal(scores_and_embeddings(logits)(noise)[0], scores_and_embeddings(tiny)(noise)[0])


def test_a_long_file_is_computed_a_few_chunks_at_a_time(tiny, monkeypatch):
    sizes = []

    def run(batch):
        sizes.append(len(batch))
        return batch[:, :2], batch[:, 2:4]

    monkeypatch.setattr(module, "scores_and_embeddings", lambda _: run)
    chunks = np.random.default_rng(0).normal(size=(20, 48128)).astype(np.float32)
    found = keras_outputs(tiny, "waveform", {"music": chunks})["music"]
    assert sizes == [8, 8, 4]
    np.testing.assert_array_equal(found.scores, chunks[:, :2])
    np.testing.assert_array_equal(found.embedding, chunks[:, 2:4])

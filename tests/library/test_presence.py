"""Thresholds: the card's win, estimated ones belong to their weights, and what is not music has no tag."""

import dataclasses
import json
import subprocess

import numpy as np
import pytest

from keras_musictag import load
from keras_musictag.audio import read
from keras_musictag.bundled_files import bundled
from keras_musictag.library import PresenceThresholds, StoredModel, certainties, presence_thresholds
from keras_musictag.library.presence import ESTIMATED_FOLDER, are_present
from keras_musictag.tags import Vocabulary
from keras_musictag.user_folders import HOME_VARIABLE
from keras_musictag.zoo import Card, read_card, write_card

ESTIMATED = sorted(path.stem for path in ESTIMATED_FOLDER.glob("*.json"))


def stored(card: Card) -> StoredModel:
    return StoredModel(1, card.name, card.weights.sha256, Vocabulary.of(card.model["tags"]), 3)


def test_the_bundled_weights_have_estimates():
    bundled_weights = {path.parent.name for path in bundled("zoo").glob("*/weights.safetensors")}
    assert set(ESTIMATED) == bundled_weights


@pytest.mark.parametrize("name", ESTIMATED)
def test_estimates_belong_to_their_entry(name):
    model = stored(read_card(bundled("zoo") / name))
    thresholds = presence_thresholds(model)
    assert thresholds.origin == "estimated"
    assert tuple(thresholds.values) == model.vocabulary.names
    assert all(0.3 <= value < 1 for value in thresholds.values.values())
    assert presence_thresholds(dataclasses.replace(model, weights_sha256="00")) == PresenceThresholds()
    content = json.loads((ESTIMATED_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert content["status"].startswith("estimated") and content["check"]["of_these_with_a_tag"] == 0


def test_the_thresholds_of_a_card_win(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    card = read_card(bundled("zoo") / "vgg-mtat-v1")
    card = dataclasses.replace(card, name="vgg-own-v1", thresholds={"rock": 0.7})
    (tmp_path / "zoo" / card.name).mkdir(parents=True)
    write_card(card, tmp_path / "zoo" / card.name)
    assert presence_thresholds(stored(card)) == PresenceThresholds({"rock": 0.7}, "card")
    other = dataclasses.replace(stored(card), weights_sha256="00")
    assert presence_thresholds(other).origin == "none"


SECONDS, RATE = 10, 16000


def noises():
    rng, times = np.random.default_rng(7), np.arange(SECONDS * RATE) / RATE
    white = rng.normal(size=SECONDS * RATE)
    spectrum = np.fft.rfft(white) / np.sqrt(np.maximum(np.arange(len(white) // 2 + 1), 1))
    pink = np.fft.irfft(spectrum)
    hum = sum(np.sin(2 * np.pi * 50 * n * times) / n for n in range(1, 8)) + 0.01 * white
    for name, samples in (("white", white), ("pink", pink), ("hum", hum)):
        for peak in (0.9, 0.02):
            yield f"{name} {peak}", samples / np.abs(samples).max() * peak
    yield "silence", np.zeros(SECONDS * RATE)
    yield "dither", rng.integers(-1, 2, SECONDS * RATE) / 2**15


def tags_of(tagger, model, samples) -> list[str]:
    limits = np.array(list(presence_thresholds(model).values.values()))
    scores = tagger.tag(samples.astype(np.float32), RATE, top=None).scores  # by scores alone, without the note
    return [tag for tag, here in zip(model.vocabulary, scores >= limits, strict=True) if here]


@pytest.fixture(scope="module", params=["vgg-mtat-v1", "musicnn-msd-v1"])
def tagger_and_model(request):
    return load(request.param), stored(read_card(bundled("zoo") / request.param))


def test_noise_and_silence_have_no_tag(tagger_and_model):
    assert {name: tags for name, samples in noises() if (tags := tags_of(*tagger_and_model, samples))} == {}


@pytest.mark.needs("espeak_ng")
def test_speech_has_no_tag(tagger_and_model, tmp_path):
    text = "The train to the coast leaves at seven from platform nine, and it does not stop before the last station."
    for voice in ("en-us", "en-gb+f3", "de+m3"):
        subprocess.run(["espeak-ng", "-v", voice, "-w", tmp_path / "speech.wav", text], check=True)
        assert tags_of(*tagger_and_model, read(tmp_path / "speech.wav", RATE).samples) == [], voice


def test_certainty_is_half_at_the_threshold_and_keeps_the_order():
    thresholds = np.array([0.3, 0.9, np.nan])
    scores = np.linspace(0, 1, 11)[:, None] * np.ones(3)
    found = certainties(scores, thresholds)
    assert certainties(thresholds[:2], thresholds[:2]) == pytest.approx([0.5, 0.5])
    assert (np.diff(found, axis=0) > 0).all() and found[0].tolist() == [0, 0, 0] and found[-1].tolist() == [1, 1, 1]
    assert found[:, 2] == pytest.approx(scores[:, 2])
    assert np.isfinite(certainties(np.array([0.0, 1.0]), np.array([0.0, 1.0]))).all()


def test_a_tag_without_a_threshold_is_never_present():
    from keras_musictag.library import Labels, ScoredFile

    file = ScoredFile("/a.mp3", 1, 60.0, np.array([1.0, 0.5], np.float32), 0, Labels(), ())
    assert are_present(file, np.array([np.nan, 0.5])).tolist() == [False, True]

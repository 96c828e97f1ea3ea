import json
from dataclasses import replace

import keras
import numpy as np
import pytest
import soundfile

from keras_musictag import architectures, frontends
from keras_musictag.audio import to_floats
from keras_musictag.errors import UnknownNameError
from keras_musictag.records import Track, prepare
from keras_musictag.records.shards import load_frontend, load_track
from keras_musictag.tagger import features
from keras_musictag.tagger.features import ClipFeatures
from tests.records.make import make_manifest, make_samples


def frontend_of(architecture: str, samples: np.ndarray) -> np.ndarray:
    """The output of a tagger's front end for a waveform, (frames, mels)."""
    config = architectures.get(architecture).FRONTEND
    waveform = keras.Input((len(samples),))
    model = keras.Model(waveform, frontends.get("log_mel").apply(waveform, config, frontends.choose_implementation()))
    return keras.ops.convert_to_numpy(model(samples[None]))[0, :, :, 0]


@pytest.mark.slow
def test_stored_features_are_those_of_the_stored_samples(tmp_path):
    manifest = make_manifest(tmp_path / "audio", 5, seconds=0.5)
    short = tmp_path / "audio" / "short.wav"
    soundfile.write(short, make_samples(0, 0.01, 16000), 16000)
    manifest = replace(manifest, tracks=(*manifest.tracks, Track("short", "short.wav", (), "train")))
    with pytest.warns(UserWarning, match="1 track could not be used"):
        records = prepare(manifest, tmp_path / "records", frontend=ClipFeatures("fcn"), jobs=1)
    described = json.loads((tmp_path / "records" / "dataset.json").read_text())["features"]
    assert (described["name"], described["config"]["num_mels"], described["architecture"]) == ("log_mel", 96, "fcn")
    assert "160 samples; the front end needs at least 257" in records.skipped[0].reason
    for stored, track in zip(records, manifest.tracks, strict=False):
        record = records.read(stored)
        samples = to_floats(np.frombuffer(record.audio, "<i2"))
        assert record.features.shape == (1 + len(samples) // 256, 96)
        # float32 round-off of an FFT in another process, with another number of threads
        np.testing.assert_allclose(record.features, frontend_of("fcn", samples), rtol=0, atol=1e-3)
        _, _, of_source, _ = load_track(manifest.file(track), "source", load_frontend(ClipFeatures("fcn")))
        np.testing.assert_allclose(of_source, record.features, rtol=0, atol=1e-3)


@pytest.mark.parametrize("architecture", ["fcn", "musicnn"])  # padded by reflection, not padded
@pytest.mark.parametrize("extra", [0, 1, 255])
def test_features_in_blocks_equal_those_of_the_whole(architecture, extra, monkeypatch):
    samples = make_samples(0, 2, 16000)[: 16000 + extra].astype(np.float32) / 32768
    expected = frontend_of(architecture, samples)
    monkeypatch.setattr(features, "BLOCK_FRAMES", 7)
    found = ClipFeatures(architecture).load()(samples)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)  # float32 round-off, dB


def test_only_log_mel_is_stored():
    with pytest.raises(ValueError, match="'sample_cnn', whose front end is 'waveform'"):
        ClipFeatures("sample_cnn")
    with pytest.raises(UnknownNameError, match="no architecture 'fcm'. Did you mean 'fcn'"):
        ClipFeatures("fcm")

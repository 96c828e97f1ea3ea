"""The front end in NumPy computes what the portable front end computes in Keras, in all of its forms."""

import dataclasses

import keras
import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag.architectures import musicnn, short_chunk_cnn
from keras_musictag.audio import read
from keras_musictag.frontends import log_mel as frontend
from keras_musictag.runtimes.engine_tagger import log_mel_features
from keras_musictag.runtimes.export_folder import mel_bands

DECIBEL = short_chunk_cnn.FRONTEND
SAMPLES = 59049


@pytest.fixture(scope="module")
def waveforms():
    """Two chunks of music, the second fading to silence; and silence."""
    music = read(kmt.demo_clip(), DECIBEL.sample_rate_hz).samples[: 2 * SAMPLES].reshape(2, SAMPLES)
    fade = np.linspace(0, -8, SAMPLES, dtype=np.float32)
    return np.stack([music[0], music[1] * 10**fade, np.zeros(SAMPLES, np.float32)])


def both(waveforms, config):
    """`(found, wanted)`, in NumPy and in Keras."""
    waveform = keras.Input(waveforms.shape[1:], dtype="float32")
    network = keras.Model(waveform, frontend.apply(waveform, config, "portable"))
    wanted = np.asarray(network(waveforms, training=False))
    found = log_mel_features(waveforms, dataclasses.asdict(config), mel_bands(config))
    assert found.shape == wanted.shape and found.dtype == np.float32
    return found, wanted


@pytest.mark.parametrize("padding", ["reflect", "zero", "none"])
def test_decibels_are_those_of_keras(waveforms, padding):
    found, wanted = both(waveforms, dataclasses.replace(DECIBEL, padding=padding))
    assert (wanted.min(), wanted.max() > 0) == (-100, True)  # the floor, which is digital silence
    loud = wanted > -60
    assert 0.2 < loud.mean() < 0.8
    np.testing.assert_allclose(found[loud], wanted[loud], rtol=0, atol=1e-2)  # round-off of the FFT in float32
    # round-off is a larger part of a nearly silent bin among loud ones
    np.testing.assert_allclose(found[~loud], wanted[~loud], rtol=0, atol=1)


@pytest.mark.parametrize("padding", ["reflect", "none"])
def test_log_gain_is_that_of_keras(waveforms, padding):
    found, wanted = both(waveforms, dataclasses.replace(musicnn.FRONTEND, padding=padding))
    assert wanted.min() == 0 and wanted.max() > 3
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)  # round-off

import io

import av
import numpy as np
import pytest

from keras_musictag import demo_clip
from keras_musictag.audio import read
from keras_musictag.robustness.degradations import encode, mp3_copy
from tests.audio.tones import sine


@pytest.fixture(scope="module")
def music():
    return read(demo_clip()).samples[100000:260000]


@pytest.mark.parametrize(("kbit", "correlation"), [(64, 0.9995), (32, 0.99)])
def test_an_mp3_copy_is_aligned_and_nearly_the_same(music, kbit, correlation):
    copy = mp3_copy(music, 16000, kbit)
    assert copy.shape == music.shape and copy.dtype == np.float32
    assert correlation < np.corrcoef(copy, music)[0, 1] < 1
    # one sample later, the fit is worse
    assert np.corrcoef(copy[1:], music[:-1])[0, 1] < np.corrcoef(copy, music)[0, 1]


def test_a_lower_bit_rate_loses_more(music):
    losses = [1 - np.corrcoef(mp3_copy(music, 16000, kbit), music)[0, 1] for kbit in (64, 32, 16)]
    assert losses == sorted(losses)


def test_mp3_makes_a_tone_five_percent_softer():
    """LAME's own scale at these bit rates, which docs/robustness.md states."""
    tone = sine(440)
    copy = mp3_copy(tone, 16000, 64)
    assert copy @ tone / (tone @ tone) == pytest.approx(0.95, abs=0.002)


@pytest.mark.parametrize("kbit", [64, 32])
def test_the_mp3_has_the_bit_rate_and_repeatable_bytes(music, kbit):
    data = encode(music, 16000, kbit)
    with av.open(io.BytesIO(data)) as file:
        codec = file.streams.audio[0].codec_context
        assert (file.format.name, codec.sample_rate, codec.channels) == ("mp3", 16000, 1)
    assert len(data) * 8 / (len(music) / 16000) == pytest.approx(1000 * kbit, rel=0.03)
    assert encode(music, 16000, kbit) == data


@pytest.mark.parametrize("num_samples", [1, 576, 1153])
def test_short_and_silent_sounds_work(num_samples):
    for samples in (np.zeros(num_samples, np.float32), np.full(num_samples, 2.0, np.float32)):
        copy = mp3_copy(samples, 16000, 32)
        assert copy.shape == samples.shape and np.isfinite(copy).all()

"""Resampling equals soxr, for a whole array and block by block."""

import numpy as np
import pytest
import soxr

from keras_musictag.audio import resample
from keras_musictag.audio.resampling import StreamResampler, check_rate_hz


def noise(samples, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, samples).astype(np.float32)


def tone(freq_hz, rate_hz, seconds=1.0):
    return np.sin(2 * np.pi * freq_hz * np.arange(int(rate_hz * seconds)) / rate_hz).astype(np.float32)


def streamed(samples, from_hz, to_hz, block):
    stream = StreamResampler(from_hz, to_hz)
    parts = [stream.push(samples[at : at + block]) for at in range(0, len(samples), block)]
    return np.concatenate([*parts, stream.finish()])


@pytest.mark.parametrize("from_hz, to_hz", [(44100, 16000), (8000, 16000), (48000, 44100), (16000, 16000)])
@pytest.mark.parametrize("block", [1, 1152, 30000])
def test_joined_blocks_equal_the_whole_exactly(from_hz, to_hz, block):
    samples = noise(5000 if block == 1 else 50000)
    np.testing.assert_array_equal(streamed(samples, from_hz, to_hz, block), resample(samples, from_hz, to_hz))


@pytest.mark.parametrize("from_hz, to_hz", [(44100, 16000), (48000, 16000), (11025, 16000), (96000, 22050)])
def test_the_whole_equals_soxr_hq_exactly(from_hz, to_hz):
    samples = noise(30000)
    expected = soxr.resample(samples, from_hz, to_hz, quality="HQ")
    np.testing.assert_array_equal(resample(samples, from_hz, to_hz), expected)


def test_a_tone_above_the_new_nyquist_is_below_minus_100_db():
    quiet = resample(tone(10_000, 44100), 44100, 16000)[1000:-1000]  # without the ends, where the tone starts and stops
    assert 20 * np.log10(np.abs(quiet).max()) < -100


def test_a_tone_below_the_new_nyquist_is_kept():
    # soxr HQ is flat to 0.01 dB, a factor of 0.001, up to 0.9 of the Nyquist frequency.
    got = resample(tone(1000, 44100), 44100, 16000)[1000:-1000]
    np.testing.assert_allclose(got, tone(1000, 16000)[1000:-1000], atol=1e-3)


def test_equal_rates_return_the_samples_unchanged():
    samples = noise(1000)
    np.testing.assert_array_equal(resample(samples, 16000, 16000), samples)


@pytest.mark.parametrize("samples", [0, 1, 2, 999, 44100, 44101])
@pytest.mark.parametrize("from_hz, to_hz", [(44100, 16000), (16000, 44100), (48000, 16000), (1000, 768000)])
def test_the_length_is_within_one_sample_of_the_ratio(samples, from_hz, to_hz):
    samples = min(samples, 2000) if to_hz == 768000 else samples
    assert abs(len(resample(noise(samples), from_hz, to_hz)) - round(samples * to_hz / from_hz)) <= 1


def test_floats_of_any_width_become_float32():
    assert resample(noise(100).astype(np.float64), 44100, 16000).dtype == np.float32
    assert resample(noise(100).astype(np.float64), 16000, 16000).dtype == np.float32


@pytest.mark.parametrize("rate_hz", [44.1, 16, 999])
def test_the_error_for_a_low_rate_asks_about_khz(rate_hz):
    with pytest.raises(ValueError, match=rf"`from_hz`.*{rate_hz}\. Did you pass kHz\?"):
        resample(noise(10), rate_hz, 16000)


@pytest.mark.parametrize("rate_hz", [0, -16000, 768001, 4e9, float("nan"), float("inf")])
def test_the_error_states_an_absurd_rate(rate_hz):
    with pytest.raises(ValueError, match=f"`to_hz` must be from 1000 to 768000 Hz. Received: {rate_hz}"):
        resample(noise(10), 16000, rate_hz)


@pytest.mark.parametrize("rate_hz", ["16000", None, True, 1j])
def test_a_rate_that_is_not_a_number_is_a_type_error(rate_hz):
    with pytest.raises(TypeError, match="The rate must be a number in Hz"):
        check_rate_hz(rate_hz, "The rate")


def test_the_limits_are_allowed():
    check_rate_hz(1000, "rate")
    check_rate_hz(np.int64(768000), "rate")


def test_integers_of_unknown_scale_are_refused():
    with pytest.raises(TypeError, match="int16"):
        resample(np.zeros(10, np.int16), 44100, 16000)


def test_several_channels_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 10\)"):
        resample(np.zeros((2, 10), np.float32), 44100, 16000)

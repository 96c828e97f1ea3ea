import warnings

import numpy as np
import pytest

from keras_musictag.audio import as_mono, to_floats
from keras_musictag.errors import AudioError


@pytest.mark.parametrize(
    "dtype, low, middle, high_by_two",
    [
        ("uint8", 0, 128, 192),
        ("int16", -(2**15), 0, 2**14),
        ("int32", -(2**31), 0, 2**30),
        ("int64", -(2**63), 0, 2**62),
    ],
)
def test_integers_are_divided_by_full_scale(dtype, low, middle, high_by_two):
    np.testing.assert_array_equal(to_floats(np.array([low, middle, high_by_two], dtype)), [-1, 0, 0.5])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_are_not_scaled(dtype):
    got = as_mono(np.array([-1, 0.25, 1.5], dtype), 44100)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, [-1, 0.25, 1.5])


def test_channels_are_averaged():
    got = as_mono(np.array([[0.5, 1.0, -1.0], [0.25, -1.0, -1.0]]), 16000)
    assert got.dtype == np.float32 and got.shape == (3,)
    np.testing.assert_array_equal(got, [0.375, 0.0, -1.0])


@pytest.mark.parametrize(
    "dtype, values", [("uint8", [192, 64]), ("int16", [2**14, -(2**14)]), ("int32", [2**30, -(2**30)])]
)
def test_integer_channels_are_scaled_then_averaged(dtype, values):
    np.testing.assert_array_equal(as_mono(np.array([values, values], dtype), 44100), [0.5, -0.5])


def test_a_list_of_floats_is_an_array():
    np.testing.assert_array_equal(as_mono([0.5, -0.5], 44100), [0.5, -0.5])


def test_a_missing_sample_rate_says_what_to_write():
    with pytest.raises(ValueError, match=r"sample_rate=44100"):
        as_mono(np.zeros(10), None)


@pytest.mark.parametrize("rate_hz", [44.1, 0, 1e6])
def test_a_sample_rate_outside_the_limits_is_named(rate_hz):
    with pytest.raises(ValueError, match=f"sample rate of an array.*{rate_hz}"):
        as_mono(np.zeros(10), rate_hz)


def test_samples_by_channels_suggests_to_transpose():
    with pytest.raises(AudioError, match=r"\(44100, 2\).*array\.T"):
        as_mono(np.zeros((44100, 2)), 44100)


def test_more_than_64_channels_are_refused():
    assert as_mono(np.zeros((64, 100)), 44100).shape == (100,)
    with pytest.raises(AudioError, match=r"at most 64 channels.*\(65, 100\)"):
        as_mono(np.zeros((65, 100)), 44100)


@pytest.mark.parametrize("shape", [(), (2, 3, 4)])
def test_other_numbers_of_axes_are_refused(shape):
    with pytest.raises(AudioError, match=r"\(samples,\) or \(channels, samples\)"):
        as_mono(np.zeros(shape), 44100)


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 100)])
def test_an_empty_array_is_refused(shape):
    with pytest.raises(AudioError, match="empty"):
        as_mono(np.zeros(shape), 44100)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_counted(value):
    with pytest.raises(AudioError, match="2 of 5 samples are NaN or infinite"):
        as_mono(np.array([0, value, 0, value, 0]), 44100)


@pytest.mark.parametrize("dtype", ["bool", "complex64", "object", "int64", "int8", "uint16", "U1"])
def test_other_dtypes_are_a_type_error(dtype):
    with pytest.raises(TypeError, match="Received: dtype"):
        as_mono(np.zeros(10, dtype), 44100)


def test_unscaled_floats_suggest_dividing_by_32768():
    with pytest.raises(AudioError, match=r"peak of 20000.*32768"):
        as_mono(np.array([0.0, -20000.0]), 44100)


@pytest.mark.parametrize("value", [1e300, -1e300])
def test_floats_too_large_for_float32_are_a_peak_and_no_warning(value):
    with warnings.catch_warnings(), pytest.raises(AudioError, match=r"peak of 1e\+300"):
        warnings.simplefilter("error")
        as_mono(np.full(10, value), 44100)


def test_the_most_negative_integer_is_full_scale_not_a_peak():
    np.testing.assert_array_equal(as_mono(np.full(3, -(2**15), np.int16), 44100), [-1, -1, -1])


@pytest.mark.parametrize("audio", [["a.mp3", "b.mp3"], b"RIFF", bytearray(4), None, 3, [[0.5], [0.5, 0.25]]])
@pytest.mark.parametrize("rate_hz", [None, 44100])
def test_what_is_neither_an_array_nor_numbers_is_a_type_error(audio, rate_hz):
    with pytest.raises(TypeError, match=rf"one track at a time\. Received: {type(audio).__name__}\.$"):
        as_mono(audio, rate_hz)


def test_an_array_of_names_is_a_type_error_before_its_rate_is_missed():
    with pytest.raises(TypeError, match="Received: dtype <U5"):
        as_mono(np.array(["a.mp3", "b.mp3"]), None)

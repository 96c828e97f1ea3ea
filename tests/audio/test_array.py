import av
import numpy as np
import pytest

from keras_musictag.audio.array import as_mono, mono_of_frame, to_floats
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


@pytest.mark.parametrize(
    "layout, channels", [("mono", 1), ("stereo", 2), ("5.1", 6), ("7.1", 8), ("hexadecagonal", 16)]
)
@pytest.mark.parametrize("format", ["u8", "s16", "s32", "s64", "flt", "dbl"])
@pytest.mark.parametrize("planar", [False, True])
def test_frames_of_every_sample_format_and_layout_are_averaged(layout, channels, format, planar):
    # FFmpeg converts from float to the format, so that its idea of full scale is the reference.
    # Tolerance: one step of 8 bits, else of 16 bits.
    rng = np.random.default_rng(channels)
    floats = rng.uniform(-0.9, 0.9, (100, channels)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(floats.reshape(1, -1), format="flt", layout=layout)
    frame.sample_rate = 44100
    (frame,) = av.AudioResampler(format=format + "p" * planar).resample(frame)
    got = mono_of_frame(frame)
    assert frame.format.name == format + "p" * planar and got.dtype == np.float32
    np.testing.assert_allclose(got, floats.mean(axis=1), atol=1 / 128 if format == "u8" else 1 / 32768)

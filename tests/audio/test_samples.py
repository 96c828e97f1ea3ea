"""Arrays become mono float32; samples on the wrong scale are refused, in arrays and in files."""

import warnings

import numpy as np
import pytest

from keras_musictag.audio import as_mono, to_floats
from keras_musictag.audio.samples import FileScale, mono_and_notes
from keras_musictag.errors import AudioError
from tests.audio.audio_files import encode, read_bytes, sine, wav_bytes, wav_of


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


def test_the_error_says_how_to_pass_the_sample_rate():
    with pytest.raises(ValueError, match=r"sample_rate=44100"):
        as_mono(np.zeros(10), None)


@pytest.mark.parametrize("rate_hz", [44.1, 0, 1e6])
def test_the_error_states_a_sample_rate_outside_the_limits(rate_hz):
    with pytest.raises(ValueError, match=f"sample rate of an array.*{rate_hz}"):
        as_mono(np.zeros(10), rate_hz)


def test_the_error_suggests_transposing_the_array():
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
def test_floats_too_large_for_float32_cause_no_warning(value):
    with warnings.catch_warnings(), pytest.raises(AudioError, match=r"peak of 1e\+300"):
        warnings.simplefilter("error")
        as_mono(np.full(10, value), 44100)


def test_the_most_negative_integer_is_full_scale():
    np.testing.assert_array_equal(as_mono(np.full(3, -(2**15), np.int16), 44100), [-1, -1, -1])


@pytest.mark.parametrize("audio", [["a.mp3", "b.mp3"], b"RIFF", bytearray(4), None, 3, [[0.5], [0.5, 0.25]]])
@pytest.mark.parametrize("rate_hz", [None, 44100])
def test_anything_but_an_array_of_numbers_is_a_type_error(audio, rate_hz):
    with pytest.raises(TypeError, match=rf"pass one track at a time\. Received: {type(audio).__name__}\.$"):
        as_mono(audio, rate_hz)


def test_an_array_of_names_without_a_rate_is_a_type_error():
    with pytest.raises(TypeError, match="Received: dtype <U5"):
        as_mono(np.array(["a.mp3", "b.mp3"]), None)


INT16 = np.round(sine(seconds=0.5) * 40000).astype(np.int16)  # a peak of 20,000


def refused(match, work, *args):
    with pytest.raises(AudioError, match=match) as caught:
        work(*args)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_unscaled_floats_are_refused_in_files_and_arrays(dtype):
    match = r"holds floats beyond full scale; expected \[-1, 1\]\. Received: a peak of {}\. Divide 16-bit.*by 32768"
    refused(match.format(r"\d+ or more"), read_bytes, wav_of(INT16.repeat(2, axis=1), dtype=dtype))
    refused(match.format(20000), as_mono, INT16.T.astype(dtype), 44100)


@pytest.mark.parametrize("value", [1e30, -1e300])
def test_one_absurd_sample_is_refused(value):
    samples = sine().astype("f8")
    samples[70_000] = value
    refused(f"peak of {abs(value):g}".replace("+", r"\+"), read_bytes, wav_of(samples, dtype="f8"))


def test_a_peak_in_one_channel_counts():
    samples = np.concatenate([INT16, -INT16], axis=1)
    refused("peak of 20000", read_bytes, wav_of(samples, dtype="f4"))


def test_a_hot_mix_is_unchanged():
    samples = sine() * 19.9  # with a peak just below 10
    np.testing.assert_array_equal(read_bytes(wav_of(samples, dtype="f4")).samples, samples[:, 0])
    np.testing.assert_array_equal(as_mono(samples.T, 44100), samples[:, 0])


def test_a_lossy_file_of_unscaled_floats_is_refused():
    data = encode(sine(48000, channels=2) * 32768, "vorbis", "ogg", 48000, "stereo")
    refused(r"beyond full scale.*a peak of \d+\. Divide", read_bytes, data)


def test_damage_beyond_full_scale_becomes_silence():
    samples = np.random.default_rng(0).normal(0, 0.2, (3 * 48000, 2)).astype(np.float32)
    whole = bytearray(encode(samples, "aac", "adts", 48000, "stereo"))
    beyond = 0
    for seed in range(10):
        rng, data = np.random.default_rng(seed), whole.copy()
        for index in rng.integers(len(data) // 10, len(data), 30):
            data[index] ^= 1 << int(rng.integers(8))
        audio = read_bytes(bytes(data))
        assert np.abs(audio.samples).max() <= 10
        assert audio.bad_packets > 0
        beyond += audio.bad_packets
    assert beyond > 10


def test_only_lossy_frames_beyond_full_scale_become_silence():
    loud = np.full((2, 4), 11, np.float32)
    scale = FileScale("song", is_lossless=False)
    assert not scale.clean(loud).any()
    assert scale.clean(loud / 11).all()
    scale.check()
    assert scale.frames_beyond == 1
    scale.clean(loud)
    refused("song holds floats beyond .*a peak of 11", scale.check)
    refused("song holds floats beyond .*a peak of 11", FileScale("song", is_lossless=True).clean, loud)


# ---------------------------------------------------------------- 16-bit samples in wider integers


@pytest.mark.parametrize("peak", [33, 20_000, 32_768])
def test_int16_samples_in_wider_integers_are_refused(peak):
    samples = np.array([[0, -peak, 7, peak - 1] * 1000], np.int32)
    match = rf"holds 32-bit integers that use only 16 bits.*a peak of {peak:,}\..*as int16, or multiply them by 65,536"
    refused(match, as_mono, samples, 44100)
    refused(match, read_bytes, wav_bytes(samples.tobytes(), dtype="i4"))


@pytest.mark.parametrize("samples", [[0, 32_769], [0, -32_769], [0, 256, -1024], [0, 1, -32], [0, 0]])
def test_quiet_integers_that_may_be_right_are_kept(samples):
    """Samples too loud for 16 bits, 24-bit samples (their lowest byte is 0), dither, and silence."""
    samples = np.array([samples], np.int32)
    mono, notes = mono_and_notes(samples, 44100)
    np.testing.assert_array_equal(mono, samples[0] / np.float32(2**31))
    assert len(notes) == 1 and "is silent" in notes[0]  # for a listener it is
    assert read_bytes(wav_bytes(samples.tobytes(), dtype="i4")).notes == notes


def test_a_late_loud_sample_makes_the_scale_right():
    samples = np.ones((1, 100_000), np.int32) * 999
    samples[0, -1] = 2**30
    assert as_mono(samples, 44100)[-1] == 0.5
    assert read_bytes(wav_bytes(samples.tobytes(), dtype="i4")).notes == ()


def test_quiet_16_bit_samples_are_not_checked():
    quiet = np.array([[0, 33, -33]], np.int16)
    assert as_mono(quiet, 44100).max() == np.float32(33 / 32768)
    assert read_bytes(wav_bytes(quiet.tobytes())).samples.max() == np.float32(33 / 32768)

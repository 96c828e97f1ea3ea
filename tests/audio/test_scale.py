"""Samples that do not lie where their type says are refused, in arrays and files alike."""

import numpy as np
import pytest

from keras_musictag.audio import as_mono
from keras_musictag.audio.samples import FileScale, mono_and_notes
from keras_musictag.errors import AudioError
from tests.audio.made import encode, read_bytes, sine, wav_bytes, wav_of

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


def test_a_peak_in_one_channel_counts_though_the_mean_is_small():
    samples = np.concatenate([INT16, -INT16], axis=1)
    refused("peak of 20000", read_bytes, wav_of(samples, dtype="f4"))


def test_a_hot_mix_is_kept_as_it_is():
    samples = sine() * 19.9  # a peak just below 10
    np.testing.assert_array_equal(read_bytes(wav_of(samples, dtype="f4")).samples, samples[:, 0])
    np.testing.assert_array_equal(as_mono(samples.T, 44100), samples[:, 0])


def test_a_lossy_file_of_unscaled_floats_is_refused():
    data = encode(sine(48000, channels=2) * 32768, "vorbis", "ogg", 48000, "stereo")
    refused(r"beyond full scale.*a peak of \d+\. Divide", read_bytes, data)


def test_damage_beyond_full_scale_becomes_silence_and_is_counted():
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


def test_a_frame_beyond_full_scale_is_silence_in_a_lossy_file_only():
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
def test_16_bit_samples_in_32_bits_are_refused_in_files_and_arrays(peak):
    samples = np.array([[0, -peak, 7, peak - 1] * 1000], np.int32)
    match = rf"holds 32-bit integers that use 16 bits.*a peak of {peak:,}\..*as int16, or multiply them by 65,536"
    refused(match, as_mono, samples, 44100)
    refused(match, read_bytes, wav_bytes(samples.tobytes(), dtype="i4"))


@pytest.mark.parametrize("samples", [[0, 32_769], [0, -32_769], [0, 256, -1024], [0, 1, -32], [0, 0]])
def test_integers_that_may_be_meant_so_are_kept(samples):
    """Too loud for 16 bits; 24 bits, whose lowest byte is 0; dither; nothing."""
    samples = np.array([samples], np.int32)
    mono, notes = mono_and_notes(samples, 44100)
    np.testing.assert_array_equal(mono, samples[0] / np.float32(2**31))
    assert len(notes) == 1 and "is silent" in notes[0]  # for a listener, it is
    assert read_bytes(wav_bytes(samples.tobytes(), dtype="i4")).notes == notes


def test_a_late_loud_sample_settles_it():
    samples = np.ones((1, 100_000), np.int32) * 999
    samples[0, -1] = 2**30
    assert as_mono(samples, 44100)[-1] == 0.5
    assert read_bytes(wav_bytes(samples.tobytes(), dtype="i4")).notes == ()


def test_16_bit_files_and_arrays_are_never_asked():
    quiet = np.array([[0, 33, -33]], np.int16)
    assert as_mono(quiet, 44100).max() == np.float32(33 / 32768)
    assert read_bytes(wav_bytes(quiet.tobytes())).samples.max() == np.float32(33 / 32768)

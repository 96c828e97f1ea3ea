"""Channels are mixed into one, in files and arrays, and notes say if the mix loses their sound."""

import io

import numpy as np
import pytest

from keras_musictag.audio import open_audio, read
from keras_musictag.audio.downmix import Levels, mix_channels, weights_of
from keras_musictag.audio.samples import mono_and_notes
from tests.audio.audio_files import encode, read_bytes, sine, wav_of

RATE_HZ = 16000
CANCELLED = "The 2 channels cancel each other: mixed, they lose most of their sound."


def noise(channels: int, seconds: float = 4.0) -> np.ndarray:
    """Returns unrelated channels, float32 (samples, channels)."""
    return np.random.default_rng(channels).normal(0, 0.1, (int(seconds * RATE_HZ), channels)).astype(np.float32)


def opposite(seconds: float = 4.0, remainder: float = 0.0) -> np.ndarray:
    left, rest = noise(1, seconds), noise(3, seconds)[:, :1]
    return np.concatenate([left, remainder * rest - left], axis=1)


# ---------------------------------------------------------------- weights


def test_surround_5_1_uses_the_itu_coefficients():
    sides, sum_ = 0.5**0.5, 2 * 0.5**0.5 + 1 + 2 * 0.5
    expected = np.array([sides, sides, 1, 0, 0.5, 0.5]) / sum_
    for around in (("BL", "BR"), ("SL", "SR")):
        np.testing.assert_allclose(weights_of(("FL", "FR", "FC", "LFE", *around)), expected)


@pytest.mark.parametrize(
    "positions, expected",
    [
        (("FC",), [1]),
        (("FL", "FR"), [1 / 2] * 2),
        (("FL", "FR", "LFE"), [1 / 2, 1 / 2, 0]),
        (("FL", "FR", "BL", "BR"), [0.2929, 0.2929, 0.2071, 0.2071]),
        (("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"), [0.1602, 0.1602, 0.2265, 0, *[0.1133] * 4]),
        (("FL", "FC"), [1 / 2] * 2),  # the positions of two channels do not matter
        (("AMBI0", "AMBI1", "AMBI2", "AMBI3"), [1 / 4] * 4),
        (("FL", "FR", "UNK"), [1 / 3] * 3),
        (("LFE", "LFE", "LFE2"), [1 / 3] * 3),
    ],
)
def test_weights_depend_on_positions(positions, expected):
    np.testing.assert_allclose(weights_of(positions), expected, atol=5e-5)


@pytest.mark.parametrize("layout, channels", [("5.1", 6), ("5.1(side)", 6), ("7.1", 8), ("quad", 4), ("2.1", 3)])
def test_a_surround_file_is_mixed_by_its_layout(layout, channels):
    samples = noise(channels)
    names = {"5.1": "FL FR FC LFE BL BR", "5.1(side)": "FL FR FC LFE SL SR", "quad": "FL FR BL BR", "2.1": "FL FR LFE"}
    positions = tuple(names.get(layout, "FL FR FC LFE BL BR SL SR").split())
    audio = read_bytes(encode(samples, "flac", "flac", RATE_HZ, layout))
    np.testing.assert_allclose(audio.samples, samples @ weights_of(positions), atol=2**-15)
    assert audio.notes == ()


def test_channels_without_a_layout_are_averaged():
    samples = noise(6)
    expected = samples.mean(axis=1)
    np.testing.assert_allclose(read_bytes(wav_of(samples, RATE_HZ, "f4")).samples, expected, atol=1e-7)
    np.testing.assert_allclose(mono_and_notes(samples.T, RATE_HZ)[0], expected, atol=1e-7)


def test_stereo_is_exactly_the_mean():
    samples = noise(2)
    np.testing.assert_array_equal(read_bytes(wav_of(samples, RATE_HZ, "f4")).samples, samples.mean(axis=1))
    np.testing.assert_array_equal(mono_and_notes(samples.T, RATE_HZ)[0], samples.T.mean(axis=0))


# ---------------------------------------------------------------- channels that cancel each other


@pytest.mark.parametrize("remainder, loudest", [(0, 0), (0.01, 0), (0.4, 1)])
def test_opposite_channels_give_one_of_them_with_a_note(remainder, loudest):
    samples = opposite(remainder=remainder)
    note = f"{CANCELLED} Channel {loudest + 1}, the loudest, was used alone."
    audio = read_bytes(wav_of(samples, RATE_HZ, "f4"))
    np.testing.assert_array_equal(audio.samples, samples[:, loudest])
    assert audio.notes == (note,)
    mono, notes = mono_and_notes(samples.T, RATE_HZ)
    np.testing.assert_array_equal(mono, samples[:, loudest])
    assert notes == (note,)


@pytest.mark.parametrize("codec, container", [("libmp3lame", "mp3"), ("aac", "ipod"), ("flac", "ogg")])
def test_opposite_channels_of_a_compressed_file_are_found(codec, container):
    audio = read_bytes(encode(opposite(), codec, container, RATE_HZ, "stereo"), sample_rate_hz=8000)
    assert any(CANCELLED in note for note in audio.notes)
    assert np.std(audio.samples) > 0.05


def test_a_stream_names_the_channel_to_use():
    samples = opposite()
    data = wav_of(samples, RATE_HZ, "f4")
    with open_audio(io.BytesIO(data)) as stream:
        assert np.abs(np.concatenate(list(stream))).max() == 0
    assert (stream.loudest, stream.notes) == (0, (f"{CANCELLED} The loudest is channel 1.",))
    with open_audio(io.BytesIO(data), channel=1) as stream:
        np.testing.assert_array_equal(np.concatenate(list(stream)), samples[:, 1])
    assert (stream.loudest, stream.notes) == (None, ())


def test_sound_only_in_lfe_is_not_silence():
    samples = noise(6) * [0, 0, 0, 1, 0, 0]
    audio = read_bytes(encode(samples.astype(np.float32), "flac", "flac", RATE_HZ, "5.1"))
    np.testing.assert_allclose(audio.samples, samples[:, 3], atol=2**-15)
    what = "The mix of the 6 channels is silent, although they hold sound."
    assert audio.notes == (f"{what} Channel 4, the loudest, was used alone.",)


def test_a_louder_lfe_does_not_replace_cancelled_channels():
    samples = np.zeros((4 * RATE_HZ, 6), np.float32)
    samples[:, :2], samples[:, 3] = opposite(), 3 * noise(3)[:, 0]
    audio = read_bytes(encode(samples, "flac", "flac", RATE_HZ, "5.1"))
    np.testing.assert_allclose(audio.samples, samples[:, 0], atol=2**-15)
    assert len(audio.notes) == 1 and "6 channels cancel each other" in audio.notes[0]


def test_one_quiet_channel_does_not_cancel_another():
    channels = np.stack([sine(RATE_HZ)[:, 0] * 0.003, np.zeros(2 * RATE_HZ, np.float32)])  # -56 dB, mixed -62 dB
    mono, notes = mono_and_notes(channels, RATE_HZ)
    np.testing.assert_array_equal(mono, channels[0])
    what = "The mix of the 2 channels is silent, although they hold sound."
    assert notes == (f"{what} Channel 1, the loudest, was used alone.",)


@pytest.mark.parametrize("channels", [2, 6, 16, 64])
def test_unrelated_channels_do_not_cancel(channels):
    assert mono_and_notes(noise(channels).T, RATE_HZ)[1] == ()


@pytest.mark.parametrize("correlation, noted", [(-0.7, False), (-0.9, True)])
def test_wide_stereo_does_not_cancel(correlation, noted):
    first, second = noise(2).T
    channels = np.stack([first, correlation * first + np.sqrt(1 - correlation**2) * second])
    assert bool(mono_and_notes(channels, RATE_HZ)[1]) is noted


def test_one_silent_channel_of_two_does_not_cancel():
    assert mono_and_notes(noise(2).T * [[1], [0]], RATE_HZ)[1] == ()


def test_a_part_that_cancels_is_noted_and_the_mix_is_kept():
    samples = noise(1, 10.0).repeat(2, axis=1)
    samples[: 4 * RATE_HZ, 1] *= -1
    expected = "The channels cancel each other for about 4 s of 10 s: there the mix is silent, or nearly so."
    assert mono_and_notes(samples.T, RATE_HZ)[1] == (expected,)
    audio = read_bytes(encode(samples, "flac", "flac", RATE_HZ, "stereo"))
    assert audio.notes in ((expected,), (expected.replace("4 s", "3 s"),))  # it is measured in whole frames
    assert not audio.samples[: 4 * RATE_HZ].any() and audio.samples[4 * RATE_HZ :].any()
    samples[2 * RATE_HZ : 4 * RATE_HZ, 1] *= -1  # 2 s are too short for a note
    assert mono_and_notes(samples.T, RATE_HZ)[1] == ()


def test_frames_with_other_positions_are_measured():
    levels, first = Levels(), noise(3, 0.5).T * [[1], [0], [0]]
    for positions, gain in ((("FL", "FR", "LFE"), 0.1), (("LFE", "FL", "FR"), 1)):
        channels, weights = np.float32(gain * first), weights_of(positions)
        levels.add(channels, mix_channels(channels, weights), weights, RATE_HZ)
    assert levels.notes() == ()


def test_frames_with_changing_channels_are_measured():
    levels = Levels()
    for channels in (1, 2, 6, 1):
        part, weights = noise(channels, 0.3).T, weights_of(("",) * channels)
        levels.add(part, mix_channels(part, weights), weights, RATE_HZ)
    assert levels.loudest_if_cancelled() is None and levels.notes() == ()
    assert levels.seconds == pytest.approx(1.2)


# ---------------------------------------------------------------- silence


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("peak, noted", [(0, True), (0.0009, True), (0.0011, False)])
def test_a_silent_track_has_a_note(channels, peak, noted):
    samples = np.sign(noise(channels, 1.0)) * np.float32(peak)
    samples[:, 1:] = samples[:, :1]
    for notes in (read(io.BytesIO(wav_of(samples, RATE_HZ, "f4"))).notes, mono_and_notes(samples.T, RATE_HZ)[1]):
        assert [note[:19] for note in notes] == ["The track is silent"] * noted


def test_inaudible_opposite_channels_are_silence():
    tone = sine(RATE_HZ) / 1000
    (note,) = mono_and_notes(np.concatenate([tone, -tone], axis=1).T, RATE_HZ)[1]
    assert note.startswith("The track is silent: its loudest sample is 0.0005 of full scale")

"""Files of every common codec are decoded to the right samples."""

import dataclasses
import io
import struct
from pathlib import Path

import av
import numpy as np
import pytest
import soxr

from keras_musictag.audio import open_audio, read, to_floats
from keras_musictag.audio.container import channels_of_frame
from keras_musictag.audio.downmix import weights_of
from tests import shared
from tests.audio.audio_files import encode, freq_hz_and_amplitude, overwritten, read_bytes, sine, wav_of


@pytest.mark.needs("shared")
def test_the_reference_mp3_gives_the_reference_samples():
    # 2e-6: the float MP3 decoders of FFmpeg and mpg123 round differently.
    audio = read(shared.clip(), sample_rate_hz=16000)
    expected = shared.load("io_real", "joram_16k.npz")["audio"]
    assert len(audio.samples) == 465_984
    np.testing.assert_allclose(audio.samples, expected, atol=2e-6, rtol=0)
    assert (audio.codec, audio.channels, audio.source_rate_hz, audio.notes) == ("mp3", 1, 16000, ())


@pytest.mark.needs("shared")
def test_real_music_decodes_without_a_note():
    paths = sorted(
        (shared.FOLDER / "audio" / "free").glob("*.ogg")
    )  # not parameters, because the list of tests must not depend on these files
    assert len(paths) == 10
    for path in paths:
        with open_audio(path, 16000) as stream:
            samples = sum(map(len, stream))
        assert (stream.bad_packets, stream.notes) == (0, ()), path
        assert abs(samples / 16000 - stream.duration_seconds) < 1e-3, path
        assert 29 < stream.duration_seconds < 30, path


CODECS = [
    # codec, container, tolerance of the duration in samples (a frame or its padding), tolerance of the amplitude
    ("libmp3lame", "mp3", 1152, 0.08),  # LAME lowers the level by 5 to 7 % on purpose
    ("libopus", "ogg", 960, 0.02),
    ("vorbis", "ogg", 2048, 0.1),  # FFmpeg's own Vorbis encoder is coarse
    ("flac", "flac", 0, 1e-3),
    ("flac", "ogg", 0, 1e-3),
    ("aac", "ipod", 1024, 0.02),
    ("aac", "adts", 2048, 0.02),
    ("libopus", "webm", 960, 0.02),
    ("pcm_s16le", "wav", 0, 1e-3),
]


@pytest.mark.parametrize("codec, container, frame_samples, tolerance", CODECS)
def test_each_codec_keeps_frequency_level_and_duration(codec, container, frame_samples, tolerance):
    rate_hz = 48000 if codec == "libopus" else 44100
    data = encode(sine(rate_hz, channels=2), codec, container, rate_hz, "stereo")
    audio = read_bytes(data)
    freq_hz, amplitude = freq_hz_and_amplitude(audio.samples, rate_hz)
    assert freq_hz == pytest.approx(440, abs=0.5)
    assert amplitude == pytest.approx(0.5, rel=tolerance)
    assert abs(len(audio.samples) - 2 * rate_hz) <= frame_samples
    assert audio.samples.dtype == np.float32 and audio.samples.ndim == 1
    assert (audio.channels, audio.sample_rate_hz, audio.bad_packets, audio.notes) == (2, rate_hz, 0, ())


ENCODERS = [("flac", "flac"), ("libmp3lame", "mp3"), ("pcm_s16le", "wav")]
RATES_HZ = [8000, 11025, 44100, 48000, 96000]


@pytest.mark.parametrize(
    "codec, container, rate_hz",
    [(*encoder, rate) for encoder in ENCODERS for rate in RATES_HZ if "mp3" not in encoder or rate <= 48000],
)
def test_every_source_rate_becomes_the_requested_rate(codec, container, rate_hz):
    data = encode(sine(rate_hz, 1.0), codec, container, rate_hz)
    audio = read_bytes(data, sample_rate_hz=16000)
    freq_hz, amplitude = freq_hz_and_amplitude(audio.samples, 16000)
    assert (audio.source_rate_hz, audio.sample_rate_hz, audio.notes) == (rate_hz, 16000, ())
    assert freq_hz == pytest.approx(440, abs=0.5)
    assert amplitude == pytest.approx(0.5, rel=0.08)  # LAME lowers the level by 5 to 7 % on purpose
    assert abs(len(audio.samples) - 16000 * audio.duration_seconds) <= 1


@pytest.mark.parametrize(
    "dtype, step", [("u1", 2**-7), ("i2", 2**-15), ("i3", 2**-23), ("i4", 2**-24), ("f4", 0), ("f8", 0)]
)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_wav_of_any_width_has_a_full_scale_of_1(dtype, step, channels):
    # `step` is one step of the format (at 32 bits, of float32), doubled because full scale is 2**n - 1 in the file.
    samples = np.random.default_rng(0).uniform(-0.9, 0.9, (5000, channels)).astype(np.float32)
    audio = read_bytes(wav_of(samples, dtype=dtype))
    np.testing.assert_allclose(audio.samples, samples.mean(axis=1), atol=2 * step + 1e-7)
    assert (audio.channels, audio.notes) == (channels, ())


@pytest.mark.parametrize(
    "codec, container, layout, channels",
    [("flac", "flac", "5.1", 6), ("aac", "ipod", "7.1", 8), ("wavpack", "matroska", "hexadecagonal", 16)],
)
def test_many_channels_are_mixed_by_their_positions(codec, container, layout, channels):
    # The same tone with amplitudes 1/channels to 1: the mix is known.
    amplitudes = np.arange(1, channels + 1, dtype=np.float32) / channels
    audio = read_bytes(encode(sine(48000, 1.0, 60.0, channels) * amplitudes, codec, container, 48000, layout))
    positions = tuple(channel.name for channel in av.AudioLayout(layout).channels)
    expected = 0.5 * weights_of(positions) @ amplitudes
    assert audio.channels == channels
    assert freq_hz_and_amplitude(audio.samples, 48000)[1] == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(
    "layout, channels", [("mono", 1), ("stereo", 2), ("5.1", 6), ("7.1", 8), ("hexadecagonal", 16)]
)
@pytest.mark.parametrize("format", ["u8", "s16", "s32", "s64", "flt", "dbl"])
@pytest.mark.parametrize("planar", [False, True])
def test_frames_of_every_format_keep_their_channels(layout, channels, format, planar):
    # FFmpeg converts from float to the format, so its full scale is the reference.
    # Tolerance: one step of 8 bits, otherwise of 16 bits.
    rng = np.random.default_rng(channels)
    floats = rng.uniform(-0.9, 0.9, (100, channels)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(floats.reshape(1, -1), format="flt", layout=layout)
    frame.sample_rate = 44100
    (frame,) = av.AudioResampler(format=format + "p" * planar).resample(frame)
    got = to_floats(channels_of_frame(frame))
    assert frame.format.name == format + "p" * planar and got.dtype == np.float32
    np.testing.assert_allclose(got, floats.T, atol=1 / 128 if format == "u8" else 1 / 32768)


def test_channels_are_mixed_before_resampling():
    samples = np.random.default_rng(1).uniform(-0.9, 0.9, (100_000, 2)).astype(np.float32)
    audio = read_bytes(wav_of(samples, dtype="f4"), sample_rate_hz=16000)
    np.testing.assert_array_equal(audio.samples, soxr.resample(samples.mean(axis=1), 44100, 16000, quality="HQ"))


def test_the_blocks_of_a_stream_equal_the_samples_of_read():
    data = encode(sine(seconds=5.0), "libmp3lame", "mp3")
    with open_audio(io.BytesIO(data), 16000) as stream:
        blocks = list(stream)
    assert all(block.dtype == np.float32 and block.ndim == 1 for block in blocks)
    assert [16000 <= len(block) < 18000 for block in blocks[:-1]] == [
        True
    ] * 4  # one second, and at most one more frame
    np.testing.assert_array_equal(np.concatenate(blocks), read_bytes(data, 16000).samples)


def test_read_reports_what_the_stream_reports():
    data = overwritten(encode(sine(seconds=5.0), "libmp3lame", "mp3"), 0.4, 0.6)
    with open_audio(io.BytesIO(data), 16000) as stream:
        list(stream)
    for name, value in dataclasses.asdict(read_bytes(data, 16000)).items():
        assert name == "samples" or getattr(stream, name) == value


@pytest.mark.parametrize("as_path", [str, Path])
def test_a_path_and_a_file_object_give_equal_samples(tmp_path, as_path):
    data = encode(sine(), "flac", "flac")
    (tmp_path / "Größe 你好.flac").write_bytes(data)
    audio = read(as_path(tmp_path / "Größe 你好.flac"))
    np.testing.assert_array_equal(audio.samples, read_bytes(data).samples)


def test_a_file_object_is_read_from_its_start_and_left_open():
    file = io.BytesIO()
    file.write(wav_of(sine()))
    assert read(file).duration_seconds == 2.0
    assert not file.closed


def test_a_wrong_extension_does_not_matter(tmp_path):
    (tmp_path / "flac.mp3").write_bytes(encode(sine(), "flac", "flac"))
    assert read(tmp_path / "flac.mp3").codec == "flac"


def test_cover_art_does_not_disturb_reading():
    audio = read_bytes(encode(sine(), "libmp3lame", "mp3", cover=True))
    assert (audio.codec, audio.notes) == ("mp3", ())
    assert audio.duration_seconds == pytest.approx(2.0, abs=1152 / 44100)


def test_a_large_id3_tag_does_not_hide_the_header_duration():
    size = 100_000
    tag = b"ID3\3\0\0" + bytes((size >> shift) & 127 for shift in (21, 14, 7, 0)) + bytes(size)
    mp3 = encode(sine(), "libmp3lame", "mp3", options={"id3v2_version": "0"})
    assert mp3[:3] != b"ID3"
    assert read_bytes(tag + mp3).header_seconds == read_bytes(mp3).header_seconds == pytest.approx(2, abs=0.1)


def test_tags_in_another_encoding_do_not_disturb_reading():
    info = b"INFOINAM" + struct.pack("<I", 6) + "Größe\0".encode("latin-1")
    data = wav_of(sine()) + b"LIST" + struct.pack("<I", len(info)) + info
    assert read_bytes(data).duration_seconds == 2.0


def test_a_change_of_rate_is_resampled_and_noted():
    data = encode(sine(44100), "libmp3lame", "mp3") + encode(sine(22050), "libmp3lame", "mp3", 22050)
    audio = read_bytes(data, sample_rate_hz=16000)
    assert audio.duration_seconds == pytest.approx(4.0, abs=0.2)
    assert len(audio.samples) == pytest.approx(16000 * audio.duration_seconds, abs=2)
    assert freq_hz_and_amplitude(audio.samples, 16000)[0] == pytest.approx(440, abs=0.5)
    assert any("changes within the file, first from 44100 to 22050 Hz at 2." in note for note in audio.notes)


def test_only_the_first_change_of_rate_is_noted():
    pieces = [encode(sine(rate_hz, 0.2), "libmp3lame", "mp3", rate_hz) for rate_hz in (44100, 22050)]
    audio = read_bytes(b"".join(pieces * 5), sample_rate_hz=16000)
    assert sum("changes" in note for note in audio.notes) == 1
    assert len(audio.samples) == pytest.approx(16000 * audio.duration_seconds, abs=10)  # one per resampler


def test_a_change_of_channels_is_averaged():
    data = encode(sine(), "libmp3lame", "mp3") + encode(sine(channels=2), "libmp3lame", "mp3", layout="stereo")
    audio = read_bytes(data)
    assert audio.duration_seconds == pytest.approx(4.0, abs=0.2)
    assert freq_hz_and_amplitude(audio.samples, 44100)[1] == pytest.approx(0.5, rel=0.08)  # because of LAME, see above

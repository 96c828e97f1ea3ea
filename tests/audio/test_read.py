import dataclasses
import gc
import io
import os
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soxr

from keras_musictag.audio.read import Audio, mono_of_frame, open_audio, read
from keras_musictag.errors import AudioError
from tests import shared

WAV_CODES = {"u1": 1, "i2": 1, "i3": 1, "i4": 1, "f4": 3, "f8": 3}


def sine(rate_hz=44100, seconds=2.0, freq_hz=440.0, channels=1):
    """Float32 (samples, channels), a tone of amplitude 0.5."""
    tone = 0.5 * np.sin(2 * np.pi * freq_hz * np.arange(int(rate_hz * seconds)) / rate_hz)
    return np.repeat(tone.astype(np.float32)[:, None], channels, axis=1)


def wav_bytes(data: bytes, rate_hz=44100, channels=1, dtype="i2", promised_bytes=None) -> bytes:
    width = int(dtype[1])
    size = len(data) if promised_bytes is None else promised_bytes
    byte_rate = min(rate_hz * channels * width, 2**32 - 1)
    form = struct.pack("<HHIIHH", WAV_CODES[dtype], channels, rate_hz, byte_rate, channels * width, 8 * width)
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", min(36 + size, 2**32 - 1)) + b"WAVE" + chunks


def wav_of(samples: np.ndarray, rate_hz=44100, dtype="i2", **header) -> bytes:
    """A WAV of float (samples, channels)."""
    if dtype == "u1":
        data = np.round(samples * 127 + 128).astype("u1").tobytes()
    elif dtype == "i3":
        data = np.round(samples * (2**23 - 1)).astype("<i4")[..., None].view("u1")[..., :3].tobytes()
    elif dtype[0] == "i":
        data = np.round(samples * (2.0 ** (8 * int(dtype[1]) - 1) - 1)).astype(f"<{dtype}").tobytes()
    else:
        data = samples.astype(f"<{dtype}").tobytes()
    return wav_bytes(data, rate_hz, samples.shape[1], dtype, **header)


def encode(
    samples: np.ndarray, codec: str, container: str, rate_hz=44100, layout="mono", options=None, cover=False
) -> bytes:
    """Encodes float32 (samples, channels) by PyAV's own encoders; `container` is FFmpeg's name for it."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, container_options=options or {}) as out:
        codec_options = {"strict": "experimental"} if codec == "vorbis" else {}
        stream = out.add_stream(codec, rate=rate_hz, layout=layout, options=codec_options)
        if cover:
            picture = out.add_stream("png", rate=1)
            picture.width = picture.height = 16
            picture.pix_fmt = "rgb24"
            picture.disposition = av.stream.Disposition.attached_pic
            image = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            for packet in [*picture.encode(image), *picture.encode(None)]:
                out.mux(packet)
        context = stream.codec_context
        if not context.is_open:
            context.open()
        shaper = av.AudioResampler(
            format=context.format.name, layout=layout, rate=rate_hz, frame_size=context.frame_size or 1024
        )
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
        for piece in [*shaper.resample(frame), *shaper.resample(None)]:
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return file.getvalue()


def read_bytes(data: bytes, *args, **kwargs) -> Audio:
    return read(io.BytesIO(data), *args, **kwargs)


def freq_hz_and_amplitude(samples, rate_hz):
    """The strongest frequency, within half a Hz, and the amplitude of a steady tone, from its RMS."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 4 * rate_hz))
    return power.argmax() / 4, np.sqrt(2 * np.mean(middle**2))


def overwritten(data: bytes, start: float, stop: float, by="noise") -> bytes:
    """`data` with a part, given as shares of its length, replaced by noise or zeros."""
    a, b = int(start * len(data)), int(stop * len(data))
    part = bytes(b - a) if by == "zeros" else np.random.default_rng(0).bytes(b - a)
    return data[:a] + part + data[b:]


def open_handles(path) -> int:
    """How many handles this process holds on a file."""
    return sum(os.path.realpath(link) == os.path.realpath(path) for link in Path("/proc/self/fd").iterdir())


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open handles are listed by Linux only")


# ---------------------------------------------------------------- what is decoded


@shared.needs_shared
def test_the_reference_mp3_decodes_to_the_reference_samples():
    # 2e-6: the float MP3 decoders of FFmpeg and mpg123 round differently.
    audio = read(shared.clip(), sample_rate_hz=16000)
    expected = shared.load("io_real", "joram_16k.npz")["audio"]
    assert len(audio.samples) == 465_984
    np.testing.assert_allclose(audio.samples, expected, atol=2e-6, rtol=0)
    assert (audio.codec, audio.channels, audio.source_rate_hz, audio.notes) == ("mp3", 1, 16000, ())


@shared.needs_shared
@pytest.mark.parametrize("path", sorted((shared.FOLDER / "audio" / "free").glob("*.ogg")), ids=lambda path: path.stem)
def test_real_music_decodes_without_a_note(path):
    with open_audio(path, 16000) as stream:
        samples = sum(map(len, stream))
    assert (stream.bad_packets, stream.notes) == (0, ())
    assert abs(samples / 16000 - stream.duration_seconds) < 1e-3
    assert 29 < stream.duration_seconds < 30


CODECS = [
    # codec, container, tolerance of the duration in samples (one frame, or its padding) and of the amplitude
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
def test_every_source_rate_becomes_the_wanted_rate(codec, container, rate_hz):
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
def test_wav_of_any_width_has_full_scale_one(dtype, step, channels):
    # `step` is one step of the format (at 32 bits, of float32); twice, as full scale is 2**n - 1 in the file.
    samples = np.random.default_rng(0).uniform(-0.9, 0.9, (5000, channels)).astype(np.float32)
    audio = read_bytes(wav_of(samples, dtype=dtype))
    np.testing.assert_allclose(audio.samples, samples.mean(axis=1), atol=2 * step + 1e-7)
    assert (audio.channels, audio.notes) == (channels, ())


@pytest.mark.parametrize(
    "codec, container, layout, channels",
    [("flac", "flac", "5.1", 6), ("aac", "ipod", "7.1", 8), ("wavpack", "matroska", "hexadecagonal", 16)],
)
def test_many_channels_are_averaged(codec, container, layout, channels):
    # Amplitudes 1/channels ... 1 of the same tone: their mean is known. 10 %: AAC low-passes the LFE channel.
    samples = sine(48000, 1.0, 60.0, channels) * np.arange(1, channels + 1, dtype=np.float32) / channels
    audio = read_bytes(encode(samples, codec, container, 48000, layout))
    expected = 0.5 * (channels + 1) / 2 / channels
    assert audio.channels == channels
    assert freq_hz_and_amplitude(audio.samples, 48000)[1] == pytest.approx(expected, rel=0.1)


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


def test_the_downmix_comes_before_the_resampling_and_both_are_exact():
    samples = np.random.default_rng(1).uniform(-0.9, 0.9, (100_000, 2)).astype(np.float32)
    audio = read_bytes(wav_of(samples, dtype="f4"), sample_rate_hz=16000)
    np.testing.assert_array_equal(audio.samples, soxr.resample(samples.mean(axis=1), 44100, 16000, quality="HQ"))


def test_the_blocks_of_the_stream_are_the_samples_of_read():
    data = encode(sine(seconds=5.0), "libmp3lame", "mp3")
    with open_audio(io.BytesIO(data), 16000) as stream:
        blocks = list(stream)
    assert all(block.dtype == np.float32 and block.ndim == 1 for block in blocks)
    assert [16000 <= len(block) < 18000 for block in blocks[:-1]] == [True] * 4  # a second and at most a frame more
    np.testing.assert_array_equal(np.concatenate(blocks), read_bytes(data, 16000).samples)


def test_read_reports_what_the_stream_reports():
    data = overwritten(encode(sine(seconds=5.0), "libmp3lame", "mp3"), 0.4, 0.6)
    with open_audio(io.BytesIO(data), 16000) as stream:
        list(stream)
    for name, value in dataclasses.asdict(read_bytes(data, 16000)).items():
        assert name == "samples" or getattr(stream, name) == value


@pytest.mark.parametrize("as_path", [str, Path])
def test_a_path_and_a_file_object_give_the_same(tmp_path, as_path):
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


def test_cover_art_beside_the_audio_is_no_obstacle():
    audio = read_bytes(encode(sine(), "libmp3lame", "mp3", cover=True))
    assert (audio.codec, audio.notes) == ("mp3", ())
    assert audio.duration_seconds == pytest.approx(2.0, abs=1152 / 44100)


def test_a_large_id3_tag_does_not_hide_the_header_duration():
    size = 100_000
    tag = b"ID3\3\0\0" + bytes((size >> shift) & 127 for shift in (21, 14, 7, 0)) + bytes(size)
    mp3 = encode(sine(), "libmp3lame", "mp3", options={"id3v2_version": "0"})
    assert mp3[:3] != b"ID3"
    assert read_bytes(tag + mp3).header_seconds == read_bytes(mp3).header_seconds == pytest.approx(2, abs=0.1)


def test_tags_in_another_encoding_are_no_obstacle():
    info = b"INFOINAM" + struct.pack("<I", 6) + "Größe\0".encode("latin-1")
    data = wav_of(sine()) + b"LIST" + struct.pack("<I", len(info)) + info
    assert read_bytes(data).duration_seconds == 2.0


def test_a_change_of_rate_within_a_stream_is_resampled_and_noted():
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
    assert len(audio.samples) == pytest.approx(16000 * audio.duration_seconds, abs=10)  # one a resampler


def test_a_change_of_channels_within_a_stream_is_averaged():
    data = encode(sine(), "libmp3lame", "mp3") + encode(sine(channels=2), "libmp3lame", "mp3", layout="stereo")
    audio = read_bytes(data)
    assert audio.duration_seconds == pytest.approx(4.0, abs=0.2)
    assert freq_hz_and_amplitude(audio.samples, 44100)[1] == pytest.approx(0.5, rel=0.08)  # LAME, see above


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e35])
def test_samples_that_are_not_finite_become_zero_and_are_counted(value):
    samples = np.full((44100, 1), 0.25, np.float32)
    samples[[5, 1000, 44099]] = value
    audio = read_bytes(wav_of(samples, dtype="f4"))
    assert audio.notes == ("3 samples were not finite and were set to 0.",)
    assert np.flatnonzero(audio.samples == 0).tolist() == [5, 1000, 44099]


@pytest.mark.parametrize("sample_rate_hz", [None, 16000])
def test_output_is_finite_whatever_the_floats_in_the_file(sample_rate_hz):
    bits = np.random.default_rng(0).integers(0, 2**32, 2 * 44100, dtype=np.uint32).view("<f4")
    audio = read_bytes(wav_bytes(bits.tobytes(), channels=2, dtype="f4"), sample_rate_hz)
    assert np.isfinite(audio.samples).all() and "not finite" in audio.notes[-1]


@pytest.mark.parametrize("by", ["noise", "zeros"])
def test_an_mp3_with_a_damaged_middle_gives_the_rest(by):
    audio = read_bytes(overwritten(encode(sine(seconds=20.0), "libmp3lame", "mp3"), 0.4, 0.5, by))
    assert audio.bad_packets > 0
    assert 17.5 < audio.duration_seconds <= 20.1  # of 20 s, a tenth was overwritten
    assert freq_hz_and_amplitude(audio.samples[:200_000], 44100)[0] == pytest.approx(440, abs=0.5)
    assert freq_hz_and_amplitude(audio.samples[-200_000:], 44100)[0] == pytest.approx(440, abs=0.5)


@pytest.mark.parametrize("codec, container", [("flac", "flac"), ("libopus", "ogg"), ("aac", "ipod"), ("flac", "ogg")])
def test_other_codecs_with_a_damaged_middle_give_the_rest(codec, container):
    rate_hz = 48000
    audio = read_bytes(overwritten(encode(sine(rate_hz, 20.0), codec, container, rate_hz), 0.45, 0.5))
    assert audio.bad_packets > 0 or audio.notes
    assert audio.duration_seconds > 16
    assert freq_hz_and_amplitude(audio.samples[-200_000:], rate_hz)[0] == pytest.approx(440, abs=0.5)


@pytest.mark.parametrize("codec, container", [("libmp3lame", "mp3"), ("flac", "flac"), ("pcm_s16le", "wav")])
def test_a_file_cut_short_gives_what_is_there_and_says_what_was_promised(codec, container):
    data = encode(sine(seconds=20.0), codec, container)
    audio = read_bytes(data[: len(data) // 4])
    assert 4 < audio.duration_seconds < 6
    assert audio.header_seconds == pytest.approx(20, abs=0.1)
    expected = f"The header promises 20.0 s, {audio.duration_seconds:.1f} s could be decoded."
    assert expected in audio.notes


@pytest.mark.parametrize("codec", ["libopus", "vorbis"])
def test_an_ogg_cut_short_gives_what_is_there(codec):
    # Ogg states no duration up front, so nothing is promised.
    data = encode(sine(48000, 20.0, channels=2), codec, "ogg", 48000, "stereo")
    audio = read_bytes(data[: len(data) // 4])
    assert 2 < audio.duration_seconds < 8
    assert not any("promises" in note for note in audio.notes)


def test_an_m4a_without_its_index_is_an_error():
    data = encode(sine(), "aac", "ipod")
    with pytest.raises(AudioError, match="not audio that can be opened"):
        read_bytes(data[: len(data) // 2])


def test_an_mp3_without_a_header_duration_promises_nothing():
    # FFmpeg guesses from the first frames' bit rate: far off when the rate varies.
    quiet_then_loud = np.concatenate([np.zeros((441_000, 1), np.float32), sine(seconds=2.0)])
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (44100 * 5, 1)).astype(np.float32)
    for samples in (quiet_then_loud, np.concatenate([noise, quiet_then_loud])):
        data = encode(samples, "libmp3lame", "mp3", options={"write_xing": "0"})
        audio = read_bytes(data)
        assert audio.header_seconds is None and audio.notes == ()


def test_mp3s_joined_end_to_end_give_no_false_note():
    long, short = (encode(sine(seconds=s), "libmp3lame", "mp3") for s in (5.0, 1.0))
    assert read_bytes(long + short).notes == ()


def test_a_wav_that_was_written_to_a_pipe_is_decoded_whatever_its_length_field():
    for promised_bytes in (0xFFFFFFFF, 0x7FFFFFFF):
        data = wav_of(sine(8000), 8000, promised_bytes=promised_bytes)
        audio = read_bytes(data, max_seconds=60)
        assert (audio.duration_seconds, audio.bad_packets, audio.notes) == (2.0, 0, ())


def test_a_compressed_wav_gives_no_false_note():
    assert read_bytes(encode(sine(seconds=20.0), "adpcm_ima_wav", "wav")).notes == ()


def test_a_video_longer_than_its_sound_gives_no_false_note():
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        sound, video = out.add_stream("pcm_s16le", rate=8000, layout="mono"), out.add_stream("mpeg4", rate=1)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
        out.mux([*sound.encode(frame), *sound.encode(None)])
        for _ in range(10):
            out.mux(video.encode(av.VideoFrame(64, 64, "yuv420p")))
        out.mux(video.encode(None))
    audio = read_bytes(file.getvalue())
    assert (audio.duration_seconds, audio.notes) == (1.0, ())


class FailingFile(io.BytesIO):
    """Raises an error when read past its middle, `failures` times, once `armed`."""

    armed, failures = False, 1

    def read(self, size=-1):
        if self.armed and self.failures and self.tell() > len(self.getvalue()) // 2:
            self.failures -= 1
            raise OSError(5, "Input/output error")
        return super().read(size)


@pytest.mark.parametrize("failures, at_least_seconds", [(1, 15), (1000, 9)])
def test_a_read_error_costs_what_it_hits_and_counts_once(failures, at_least_seconds):
    # Matroska finds its place again after one error; a disk that stays broken ends the decoding.
    file = FailingFile(encode(sine(48000, 20.0), "libopus", "webm", 48000))
    with open_audio(file) as stream:
        file.armed, file.failures = True, failures
        seconds = sum(map(len, stream)) / 48000
    assert at_least_seconds < seconds < 19
    assert 1 <= stream.bad_packets <= 2
    assert "promises 20.0 s" in stream.notes[0]


# ---------------------------------------------------------------- refusals


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file.*nothing\.mp3.*spelling"):
        read(tmp_path / "nothing.mp3")


@pytest.mark.parametrize(
    "name",
    ["http://127.0.0.1:9/a.mp3", "concat:a.wav|b.wav", "file:a.wav", "data:audio/wav;base64,AAAA", "pipe:0"],
)
def test_addresses_and_protocols_are_file_names(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for wav in ("a.wav", "b.wav"):
        Path(wav).write_bytes(wav_of(sine()))
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read(name)


def refused(source, match):
    with pytest.raises(AudioError, match=match) as caught:
        read(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_is_refused(tmp_path):
    refused(tmp_path, f"{tmp_path.name}.*a folder")


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp3")
    refused(tmp_path / "pipe.mp3", "pipe.mp3.*a pipe")


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "empty.mp3").touch()
    refused(tmp_path / "empty.mp3", "empty.mp3' is empty")


@pytest.mark.parametrize("size", [1, 100, 10_000, 300_000])
@pytest.mark.parametrize("name", ["random.mp3", "random.wav", "random.aac", "random"])
def test_random_bytes_are_refused(tmp_path, size, name):
    (tmp_path / name).write_bytes(np.random.default_rng(size).bytes(size))
    refused(tmp_path / name, f"{name}' (is not audio|has no audio stream|holds no sample)")


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html>\n<html><body>404</body></html>", b"\n  <HTML></HTML>", b"<?xml ?><a/>"]
)
def test_a_web_page_is_refused_as_such(tmp_path, page):
    (tmp_path / "song.mp3").write_bytes(page)
    refused(tmp_path / "song.mp3", "song.mp3' is a web page")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = tmp_path / "secret.wav"
    path.write_bytes(wav_of(sine()))
    path.chmod(0)
    refused(path, "secret.wav' cannot be read.*permissions")


def test_a_denied_permission_is_an_audio_error(tmp_path, monkeypatch):
    (tmp_path / "secret.wav").write_bytes(wav_of(sine()))

    def deny(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", deny)
    refused(tmp_path / "secret.wav", r"secret.wav' cannot be read \(Permission denied\)")


def test_a_name_with_a_zero_byte_is_refused():
    refused("a\0b.wav", "cannot be read")


def png_bytes() -> bytes:
    encoder = av.CodecContext.create("png", "w")
    encoder.width = encoder.height = 16
    encoder.pix_fmt, encoder.time_base = "rgb24", Fraction(1, 1)
    image = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
    return b"".join(bytes(packet) for packet in [*encoder.encode(image), *encoder.encode(None)])


def test_an_image_is_refused(tmp_path):
    (tmp_path / "cover.png").write_bytes(png_bytes())
    refused(tmp_path / "cover.png", "cover.png' is not audio.*image")


def test_a_video_without_sound_is_refused(tmp_path):
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        out.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        out.mux(stream.encode(None))
    refused(path, "silent.mp4' has no audio stream.*video")


@pytest.mark.parametrize("channels", [0, 65, 1000])
def test_an_absurd_number_of_channels_is_refused(channels):
    refused(
        io.BytesIO(wav_bytes(bytes(260_000), channels=channels)),
        f"number of channels of {channels}; expected 1 to 64",
    )


def test_64_channels_are_allowed():
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (1000, 64)).astype(np.float32)
    audio = read_bytes(wav_of(samples, dtype="f4"))
    np.testing.assert_allclose(audio.samples, samples.mean(axis=1), atol=1e-6)  # float32 sums of 64


@pytest.mark.parametrize("rate_hz", [0, 1, 999, 768_001, 4_000_000_000])
def test_an_absurd_sample_rate_is_refused(rate_hz):
    refused(
        io.BytesIO(wav_bytes(bytes(4000), rate_hz)),
        f"sample rate in Hz of {rate_hz}; expected 1000 to 768000",
    )


@pytest.mark.parametrize(
    "codec, container", [("libmp3lame", "mp3"), ("flac", "flac"), ("pcm_s16le", "wav"), ("aac", "ipod")]
)
def test_a_file_too_long_by_its_header_is_refused_when_opened(codec, container):
    data = encode(sine(seconds=3.0), codec, container)
    with pytest.raises(AudioError, match=r"lasts 3\.\d s or more; expected at most 2 s.*max_seconds"):
        open_audio(io.BytesIO(data), max_seconds=2)
    assert read_bytes(data, max_seconds=4).duration_seconds == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("codec, container, options", [("libmp3lame", "mp3", {"write_xing": "0"}), ("aac", "adts", {})])
def test_a_file_too_long_without_a_header_is_refused_while_decoding(codec, container, options):
    with open_audio(io.BytesIO(encode(sine(seconds=3.0), codec, container, options=options)), max_seconds=2) as stream:
        with pytest.raises(AudioError, match=r"lasts 2\.0 s or more"):
            list(stream)


def test_a_wav_header_without_data_is_refused():
    refused(io.BytesIO(wav_bytes(b"")), "holds no sample")


def test_a_file_with_only_bad_packets_is_refused():
    data = overwritten(encode(sine(), "aac", "ipod"), 0.0, 0.0)
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    assert start < end
    refused(
        io.BytesIO(data[:start] + b"\xff" * (end - start) + data[end:]),
        r"no sample.*\([1-9]\d* damaged packets\)",
    )


@pytest.mark.parametrize("source", [b"RIFF", 3, None, io.StringIO("text"), ["a.wav"]])
def test_other_sources_are_a_type_error(source):
    with pytest.raises(TypeError, match="`source` must be a path or a seekable binary file object"):
        read(source)


def test_a_wanted_rate_in_khz_is_a_value_error():
    with pytest.raises(ValueError, match=r"`sample_rate_hz`.*kHz"):
        read(io.BytesIO(wav_of(sine())), sample_rate_hz=16)


@pytest.mark.parametrize("max_seconds", [0, -1, float("nan")])
def test_max_seconds_must_be_positive(max_seconds):
    with pytest.raises(ValueError, match="`max_seconds` must be positive"):
        read(io.BytesIO(wav_of(sine())), max_seconds=max_seconds)


# ---------------------------------------------------------------- hostile files


PLAYLISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{wav}\n#EXT-X-ENDLIST\n",
    "aac.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{aac}\n#EXT-X-ENDLIST\n",  # HLS allows .aac
    "list.m3u": "#EXTM3U\n{wav}\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '{wav}'\n",
    "call.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    "list.mpd": '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{wav}</BaseURL></MPD>',
}


@pytest.mark.parametrize("name", PLAYLISTS)
@pytest.mark.parametrize("absolute", [False, True])
def test_a_playlist_does_not_open_the_file_it_names(tmp_path, monkeypatch, name, absolute):
    monkeypatch.chdir(tmp_path)
    wav, aac = tmp_path / "other.wav", tmp_path / "other.aac"
    wav.write_bytes(wav_of(sine()))
    aac.write_bytes(encode(sine(), "aac", "adts"))
    assert read(wav).duration_seconds == 2.0 and read(aac).duration_seconds > 2.0
    text = PLAYLISTS[name].format(wav=wav if absolute else wav.name, aac=aac if absolute else aac.name)
    Path(name).write_text(text)
    refused(name, f"{name}' is (not audio|a web page)")
    refused(io.BytesIO(text.encode()), "is (not audio|a web page)")


def test_ffmpeg_prints_nothing_about_damaged_files():
    # In a process of its own: FFmpeg writes to the handle of stderr, past Python.
    data = overwritten(encode(sine(seconds=5.0), "libmp3lame", "mp3"), 0.4, 0.6)
    lines = (
        "import io, sys",
        "from keras_musictag.audio.read import read",
        "read(io.BytesIO(sys.stdin.buffer.read()))",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], input=data, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


# ---------------------------------------------------------------- handles


@needs_proc
@pytest.mark.parametrize("how", ["end", "early exit", "error inside", "close", "never iterated", "without with"])
def test_the_file_is_closed(tmp_path, how):
    path = tmp_path / "song.flac"
    path.write_bytes(encode(sine(seconds=5.0), "flac", "flac"))
    stream = open_audio(path)
    assert open_handles(path) == 1
    if how == "without with":
        list(stream)
    elif how == "close":
        next(stream)
        stream.close()
    elif how == "error inside":
        with pytest.raises(KeyError), stream:
            next(stream)
            raise KeyError
    else:
        with stream:
            for _ in range({"end": 100, "early exit": 1, "never iterated": 0}[how]):
                next(stream, None)
    assert open_handles(path) == 0


@needs_proc
@pytest.mark.parametrize(
    "data, kwargs",
    [
        (b"x" * 1000, {}),
        (wav_bytes(b""), {}),
        (wav_bytes(bytes(4000), 1), {}),
        (wav_of(sine()), {"max_seconds": 1}),
        (b"<html>", {}),
    ],
    ids=["no audio", "no data", "bad rate", "too long", "page"],
)
def test_the_file_is_closed_after_an_error(tmp_path, data, kwargs):
    path = tmp_path / "song.wav"
    path.write_bytes(data)
    with pytest.raises(AudioError) as caught:
        list(open_audio(path, **kwargs))
    assert open_handles(path) == 0, caught.value


@needs_proc
def test_a_forgotten_stream_is_closed_by_the_garbage_collector(tmp_path):
    path = tmp_path / "song.flac"
    path.write_bytes(encode(sine(seconds=5.0), "flac", "flac"))
    next(open_audio(path))
    gc.collect()
    assert open_handles(path) == 0


def test_a_closed_stream_says_so():
    with open_audio(io.BytesIO(wav_of(sine(seconds=5.0)))) as stream:
        next(stream)
    with pytest.raises(ValueError, match="closed"):
        next(stream)


def test_an_ended_stream_stays_ended():
    with open_audio(io.BytesIO(wav_of(sine()))) as stream:
        assert len(list(stream)) == 2
        assert list(stream) == []

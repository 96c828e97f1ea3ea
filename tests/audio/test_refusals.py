"""Files that are refused, including hostile ones."""

import io
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from keras_musictag.audio import open_audio, read
from keras_musictag.errors import AudioError
from tests.audio.audio_files import encode, overwritten, read_bytes, sine, wav_bytes, wav_of


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file.*nothing\.mp3.*spelling"):
        read(tmp_path / "nothing.mp3")


@pytest.mark.parametrize(
    "name",
    ["http://127.0.0.1:9/a.mp3", "concat:a.wav|b.wav", "file:a.wav", "data:audio/wav;base64,AAAA", "pipe:0"],
)
def test_addresses_are_treated_as_file_names(name, tmp_path, monkeypatch):
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
def test_the_error_says_that_a_file_is_a_web_page(tmp_path, page):
    (tmp_path / "song.mp3").write_bytes(page)
    refused(tmp_path / "song.mp3", "song.mp3' is a web page")


@pytest.mark.needs("permissions")
def test_a_file_without_read_permission_is_refused(tmp_path):
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
    "codec, container, options",
    [
        ("libmp3lame", "mp3", {}),
        ("libmp3lame", "mp3", {"write_xing": "0"}),
        ("flac", "flac", {}),
        ("pcm_s16le", "wav", {}),
        ("aac", "ipod", {}),
        ("aac", "adts", {}),
    ],
)
def test_a_file_that_is_too_long_is_refused_while_decoding(codec, container, options):
    data = encode(sine(seconds=3.0), codec, container, options=options)
    with open_audio(io.BytesIO(data), max_seconds=2) as stream:
        with pytest.raises(AudioError, match=r"lasts 2\.[01] s or more; expected at most 2 s.*max_seconds"):
            list(stream)
    assert read_bytes(data, max_seconds=4).duration_seconds == pytest.approx(3, abs=0.1)


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


def test_a_rate_in_khz_is_a_value_error():
    with pytest.raises(ValueError, match=r"`sample_rate_hz`.*kHz"):
        read(io.BytesIO(wav_of(sine())), sample_rate_hz=16)


@pytest.mark.parametrize("max_seconds", [0, -1, float("nan")])
def test_max_seconds_must_be_positive(max_seconds):
    with pytest.raises(ValueError, match="`max_seconds` must be positive"):
        read(io.BytesIO(wav_of(sine())), max_seconds=max_seconds)


PLAYLISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{wav}\n#EXT-X-ENDLIST\n",
    "aac.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{aac}\n#EXT-X-ENDLIST\n",  # HLS allows .aac files
    "list.m3u": "#EXTM3U\n{wav}\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '{wav}'\n",
    "call.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    "list.mpd": '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{wav}</BaseURL></MPD>',
}


@pytest.mark.parametrize("name", PLAYLISTS)
@pytest.mark.parametrize("absolute", [False, True])
def test_a_playlist_does_not_open_its_files(tmp_path, monkeypatch, name, absolute):
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
    # In a separate process, because FFmpeg writes directly to the handle of stderr.
    data = overwritten(encode(sine(seconds=5.0), "libmp3lame", "mp3"), 0.4, 0.6)
    lines = (
        "import io, sys",
        "from keras_musictag.audio.reading import read",
        "read(io.BytesIO(sys.stdin.buffer.read()))",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], input=data, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")

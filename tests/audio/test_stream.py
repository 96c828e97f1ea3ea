"""Damaged files give what can be decoded, with a note, and every file is closed however the reading ends."""

import gc
import io
from fractions import Fraction

import av
import numpy as np
import pytest

from keras_musictag.audio import open_audio
from keras_musictag.errors import AudioError
from tests.audio.audio_files import (
    encode,
    freq_hz_and_amplitude,
    open_handles,
    overwritten,
    read_bytes,
    sine,
    wav_bytes,
    wav_of,
)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_samples_become_0_and_are_counted(value):
    samples = np.full((44100, 1), 0.25, np.float32)
    samples[[5, 1000, 44099]] = value
    audio = read_bytes(wav_of(samples, dtype="f4"))
    assert audio.notes == ("3 samples were not finite and were set to 0.",)
    assert np.flatnonzero(audio.samples == 0).tolist() == [5, 1000, 44099]
    samples[[5, 1000]] = 0.25
    assert read_bytes(wav_of(samples, dtype="f4")).notes == ("1 sample was not finite and was set to 0.",)


@pytest.mark.parametrize("by", ["noise", "zeros"])
def test_an_mp3_with_a_damaged_middle_gives_the_rest(by):
    audio = read_bytes(overwritten(encode(sine(seconds=20.0), "libmp3lame", "mp3"), 0.4, 0.5, by))
    assert audio.bad_packets > 0
    assert 17.5 < audio.duration_seconds <= 20.1  # a tenth of 20 s was overwritten
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
def test_a_cut_off_file_notes_the_stated_duration(codec, container):
    data = encode(sine(seconds=20.0), codec, container)
    audio = read_bytes(data[: len(data) * 3 // 5])
    assert 11 < audio.duration_seconds < 13
    assert audio.header_seconds == pytest.approx(20, abs=0.1)
    expected = f"The header states 20.0 s, but only {audio.duration_seconds:.1f} s could be decoded."
    assert expected in audio.notes


@pytest.mark.parametrize("codec", ["libopus", "vorbis"])
def test_a_cut_off_ogg_gives_what_is_left(codec):
    # Ogg states no duration at the start.
    data = encode(sine(48000, 20.0, channels=2), codec, "ogg", 48000, "stereo")
    audio = read_bytes(data[: len(data) // 4])
    assert 2 < audio.duration_seconds < 8
    assert not any("states" in note for note in audio.notes)


def test_an_m4a_without_its_index_is_an_error():
    data = encode(sine(), "aac", "ipod")
    with pytest.raises(AudioError, match="not audio that can be opened"):
        read_bytes(data[: len(data) // 2])


def test_an_mp3_without_a_stated_duration_has_no_note():
    # FFmpeg guesses from the bit rate of the first frames, which is far off if the rate varies.
    quiet_then_loud = np.concatenate([np.zeros((441_000, 1), np.float32), sine(seconds=2.0)])
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (44100 * 5, 1)).astype(np.float32)
    for samples in (quiet_then_loud, np.concatenate([noise, quiet_then_loud])):
        data = encode(samples, "libmp3lame", "mp3", options={"write_xing": "0"})
        audio = read_bytes(data)
        assert audio.header_seconds is None and audio.notes == ()


def test_mp3s_joined_end_to_end_give_no_false_note():
    long, short = (encode(sine(seconds=s), "libmp3lame", "mp3") for s in (5.0, 1.0))
    assert read_bytes(long + short).notes == ()


def test_a_wav_written_to_a_pipe_is_decoded():
    for stated_bytes in (0xFFFFFFFF, 0x7FFFFFFF):
        data = wav_of(sine(8000), 8000, stated_bytes=stated_bytes)
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
        frame = av.AudioFrame.from_ndarray(np.full((1, 8000), 9999, np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
        out.mux([*sound.encode(frame), *sound.encode(None)])
        for _ in range(10):
            out.mux(video.encode(av.VideoFrame(64, 64, "yuv420p")))
        out.mux(video.encode(None))
    audio = read_bytes(file.getvalue())
    assert (audio.duration_seconds, audio.notes) == (1.0, ())


class FailingFile(io.BytesIO):
    """Raises an error `failures` times when read past its middle, once it is `armed`."""

    armed, failures, error = False, 1, OSError(5, "Input/output error")

    def read(self, size=-1):
        if self.armed and self.failures and self.tell() > len(self.getvalue()) // 2:
            self.failures -= 1
            raise self.error
        return super().read(size)


def test_the_error_of_a_file_object_is_reported():
    file = FailingFile(wav_of(sine(seconds=8.0)))
    file.error, file.failures = OSError("The connection was lost"), 1000
    with open_audio(file) as stream:
        file.armed = True
        list(stream)
    assert stream.notes[1] == f"Reading ended at {stream.duration_seconds:.1f} s: The connection was lost."


@pytest.mark.parametrize("failures, at_least_seconds", [(1, 15), (1000, 9)])
def test_a_read_error_counts_once(failures, at_least_seconds):
    # Matroska recovers after one error; a disk that keeps failing ends the decoding.
    file = FailingFile(encode(sine(48000, 20.0), "libopus", "webm", 48000))
    with open_audio(file) as stream:
        file.armed, file.failures = True, failures
        seconds = sum(map(len, stream)) / 48000
    assert at_least_seconds < seconds < 19
    assert 1 <= stream.bad_packets <= 2
    assert "states 20.0 s" in stream.notes[0]


@pytest.mark.needs("linux")  # to list open handles
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


@pytest.mark.needs("linux")  # to list open handles
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


@pytest.mark.needs("linux")  # to list open handles
def test_a_forgotten_stream_is_closed_by_the_garbage_collector(tmp_path):
    path = tmp_path / "song.flac"
    path.write_bytes(encode(sine(seconds=5.0), "flac", "flac"))
    next(open_audio(path))
    gc.collect()
    assert open_handles(path) == 0


def test_a_closed_stream_cannot_be_read():
    with open_audio(io.BytesIO(wav_of(sine(seconds=5.0)))) as stream:
        next(stream)
    with pytest.raises(ValueError, match="closed"):
        next(stream)


def test_an_ended_stream_stays_ended():
    with open_audio(io.BytesIO(wav_of(sine()))) as stream:
        assert len(list(stream)) == 2
        assert list(stream) == []

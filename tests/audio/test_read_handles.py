"""Files are closed, however the reading ends."""

import gc
import io

import pytest

from keras_musictag.audio import open_audio
from keras_musictag.errors import AudioError
from tests.audio.made import encode, open_handles, sine, wav_bytes, wav_of


@pytest.mark.needs("linux")  # which lists open handles
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


@pytest.mark.needs("linux")  # which lists open handles
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


@pytest.mark.needs("linux")  # which lists open handles
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

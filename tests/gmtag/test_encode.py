import io

import av
import numpy as np
import pytest

from keras_musictag.audio import read
from keras_musictag.gmtag.rendering import to_mp3


@pytest.fixture(scope="module")
def pcm():
    seconds = np.arange(465600) / 16000
    return (8000 * np.sin(2 * np.pi * 440 * seconds) * np.minimum(1, seconds)).astype(np.int16)


@pytest.fixture(scope="module")
def mp3(pcm):
    return to_mp3(pcm)


def test_the_file_is_like_magnatagatunes(mp3):
    with av.open(io.BytesIO(mp3)) as container:
        stream = container.streams.audio[0]
        facts = (stream.codec_context.name, stream.sample_rate, stream.layout.name, stream.bit_rate)
        assert facts == ("mp3float", 16000, "mono", 32000)
        assert not container.metadata


def test_the_file_contains_only_frames(mp3):
    assert mp3[:2] == b"\xff\xf3"  # a frame of MPEG-2, layer III
    assert len(mp3) % 144 == 0  # 32 kbit/s: 36 ms per frame
    assert not any(name in mp3 for name in (b"ID3", b"TAG", b"Xing", b"Info", b"Lavc"))


def test_equal_samples_give_equal_bytes(pcm, mp3):
    to_mp3(pcm[::-1])
    assert to_mp3(pcm) == mp3


def test_our_reader_decodes_what_was_encoded(tmp_path, pcm, mp3):
    (tmp_path / "a.mp3").write_bytes(mp3)
    heard = read(tmp_path / "a.mp3", 16000).samples
    assert len(pcm) <= len(heard) < len(pcm) + 3000
    expected = (pcm / 32768).astype(np.float32)
    errors = [np.abs(heard[shift : shift + 16000] - expected[:16000]).max() for shift in range(1600)]
    shift = int(np.argmin(errors))  # the delay of LAME and the decoder
    assert np.abs(heard[shift : shift + 400000] - expected[:400000]).max() < 0.02

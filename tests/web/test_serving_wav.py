"""WAV files for the signature `wav_bytes`: the samples of `audio.read`, and the rules of the exported graph."""

import io
import struct

import numpy as np
import pytest

from keras_musictag.audio import read, resample
from keras_musictag.runtimes.formats import _savedmodel_wav as graph
from keras_musictag.web import serving_wav
from keras_musictag.web.serving_json import RequestError
from keras_musictag.web.serving_wav import RATES_HZ, read_wav
from tests.runtimes.serving_export import wav

NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, (3000, 2)).astype(np.float32)


def chunk(name: bytes, body: bytes, stated: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if stated is None else stated) + body + bytes(len(body) % 2)


def file_of(*chunks: bytes, riff: int = 9999) -> bytes:
    return b"RIFF" + struct.pack("<I", riff) + b"WAVE" + b"".join(chunks)


def fmt(code: int = 1, channels: int = 1, rate_hz: int = 16000, bits: int = 16, more: bytes = b"") -> bytes:
    frame_bytes = channels * bits // 8
    return chunk(
        b"fmt ", struct.pack("<HHIIHH", code, channels, rate_hz, frame_bytes * rate_hz, frame_bytes, bits) + more
    )


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_are_those_of_read(rate_hz, channels):
    content = wav(NOISE[:, :channels], rate_hz)
    expected = resample(read(io.BytesIO(content)).samples, rate_hz, 16000)
    np.testing.assert_allclose(read_wav(content, 16000), expected, rtol=0, atol=1e-6)


def test_extensible_headers_and_other_chunks_are_read():
    more = struct.pack("<HHIH", 22, 16, 0, 1) + bytes(14)  # the code of PCM at the start of the identifier
    content = file_of(chunk(b"LIST", b"abc"), fmt(0xFFFE, more=more), chunk(b"data", struct.pack("<2h", 16384, -32768)))
    assert read_wav(content + chunk(b"id3 ", b"x"), 16000).tolist() == [0.5, -1.0]
    assert read_wav(wav(NOISE[:, :1], 16000, form="WAVEX"), 16000).shape == (3000,)


@pytest.mark.parametrize("stated", [0xFFFFFFFF, 0x7FFFF000, 0x80000000])
def test_a_file_of_unknown_length_is_read_to_its_end(stated):
    assert read_wav(file_of(fmt(), chunk(b"data", b"\0\x40\0\x40", stated)), 16000).tolist() == [0.5, 0.5]
    assert read_wav(file_of(fmt(), chunk(b"data", b"\0\x40\0\x40", 0), riff=0), 16000).tolist() == [0.5, 0.5]


def test_half_a_frame_at_the_end_is_ignored():
    assert read_wav(file_of(fmt(channels=2), chunk(b"data", b"\0\x40\0\x40\0")), 16000).tolist() == [0.5]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a WAV file"),
        (b"RIFF", "not a WAV file"),
        (b"OggS" + bytes(40), "not a WAV file"),
        (file_of(), "must have the chunks fmt and data"),
        (file_of(fmt()), "Received bytes of fmt: 16, and no data"),
        (file_of(chunk(b"fmt ", b"\1\0"), chunk(b"data", b"\0\0")), "must have the chunks"),
        (file_of(chunk(b"data", b"\0\0"), fmt()), "must have the chunks"),
        (file_of(*[chunk(b"junk", b"")] * 1001, fmt(), chunk(b"data", b"\0\0")), "must have the chunks"),
        (file_of(fmt(code=3, bits=32), chunk(b"data", bytes(4))), "16-bit PCM; .*format 3 of 32 bits"),
        (file_of(fmt(code=0x55), chunk(b"data", bytes(4))), "16-bit PCM; .*format 85 of 16 bits"),
        (file_of(fmt(channels=3), chunk(b"data", bytes(6))), "mono or stereo; .*3 channels"),
        (file_of(fmt(channels=0), chunk(b"data", bytes(6))), "mono or stereo; .*0 channels"),
        (file_of(fmt(rate_hz=37800), chunk(b"data", bytes(6))), "one of the sample rates.*Received: 37800"),
        (file_of(fmt(), chunk(b"data", bytes(6), stated=8)), "Received 6 of 8 bytes of samples"),
        (file_of(fmt(), chunk(b"data", b"\0")), "at least one sample"),
        (file_of(fmt(rate_hz=48000), chunk(b"data", b"\0\0")), "at least one sample at 16000 Hz"),
    ],
)
def test_other_bytes_are_refused_with_a_reason(content, message):
    with pytest.raises(RequestError, match=message):
        read_wav(content, 16000)


def test_random_bytes_after_a_header_are_refused_or_read():
    rng = np.random.default_rng(0)
    for _ in range(300):
        content = file_of(fmt(), chunk(b"data", bytes(200)))
        damaged = bytearray(content[: rng.integers(12, len(content))])
        damaged[rng.integers(12, len(damaged) + 1) - 1] ^= rng.integers(1, 256)
        try:
            assert read_wav(bytes(damaged), 16000).ndim == 1
        except RequestError:
            pass


def test_the_limits_are_those_of_the_graph():
    for name in ("RATES_HZ", "PCM", "EXTENSIBLE", "BITS", "MAX_CHANNELS", "NO_LENGTH", "MAX_CHUNKS"):
        assert getattr(serving_wav, name) == getattr(graph, name)

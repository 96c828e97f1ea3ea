import io
from fractions import Fraction

import av
import numpy as np
import pytest

from keras_musictag.audio import read
from keras_musictag.errors import AudioError
from keras_musictag.records.decoding import decode_pcm, find_mp3_piece
from keras_musictag.records.schema import to_pcm

RATE_HZ = 16000


def music(seconds: float, rate_hz: int, channels: int) -> np.ndarray:
    """Float32 (samples, channels): notes that begin and end, so that an encoder's reservoir fills and empties."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    notes = sum(
        np.sin(2 * np.pi * hz * time_s) * np.exp(-((time_s * speed) % 1) * 8) for hz, speed in ((220, 3), (517, 2))
    )
    noise = np.random.default_rng(0).normal(0, 0.3, (len(time_s), channels)) * (time_s[:, None] % 1 < 0.3)
    return (0.6 * notes[:, None] + noise).astype(np.float32)


def encode(codec: str, container: str, rate_hz: int, channels: int, bit_rate: int | None = None, **options) -> bytes:
    samples, layout = music(4.0, rate_hz, channels), {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate_hz, layout=layout, options={"strict": "experimental", **options})
        if bit_rate:
            stream.bit_rate = bit_rate
        context = stream.codec_context
        context.open()
        shaper = av.AudioResampler(context.format.name, layout, rate_hz, context.frame_size or 1024)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
        for piece in [*shaper.resample(frame), *shaper.resample(None)]:
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return file.getvalue()


FILES = {
    "mp3 16 kHz mono 32 kbit/s": ("libmp3lame", "mp3", 16000, 1, 32000),
    "mp3 16 kHz stereo 24 kbit/s": ("libmp3lame", "mp3", 16000, 2, 24000),
    "mp3 44.1 kHz stereo 128 kbit/s": ("libmp3lame", "mp3", 44100, 2, 128000),
    "ogg vorbis 16 kHz stereo": ("vorbis", "ogg", 16000, 2),
    "ogg vorbis 44.1 kHz stereo": ("vorbis", "ogg", 44100, 2),
    "flac 16 kHz mono": ("flac", "flac", 16000, 1),
    "flac 44.1 kHz stereo": ("flac", "flac", 44100, 2),
    "wav 16 kHz stereo": ("pcm_s16le", "wav", 16000, 2),
    "wav 24 bits 48 kHz 5.1": ("pcm_s24le", "wav", 48000, 6),
    "aac 44.1 kHz stereo": ("aac", "adts", 44100, 2),
}


def pieces_differ(source: bytes) -> list[tuple[int, int]]:
    """The pieces that differ from the whole file, among random ones and those at the ends."""
    whole = to_pcm(read(io.BytesIO(source), RATE_HZ).samples)
    size = 6000
    starts = [0, 1, 600, len(whole) - size - 1, len(whole) - size, len(whole) - 10]
    starts += np.random.default_rng(0).integers(0, len(whole) - size, 12).tolist()
    pieces = [(start, start + size) for start in starts] + [(0, len(whole)), (0, len(whole) + 5)]
    return [
        (start, end)
        for start, end in pieces
        if not np.array_equal(decode_pcm(source, RATE_HZ, len(whole), start, end), whole[start:end])
    ]


@pytest.mark.parametrize("name", FILES)
def test_a_piece_equals_that_of_the_whole_file(name):
    source = encode(*FILES[name])
    assert len(read(io.BytesIO(source), RATE_HZ).samples) >= 3.9 * RATE_HZ
    assert pieces_differ(source) == []


@pytest.mark.parametrize("bit_rate", [8000, 16000, 32000, 64000, 160000])
def test_only_a_piece_of_an_mp3_is_decoded(bit_rate):
    source = encode("libmp3lame", "mp3", 16000, 1, bit_rate)
    num_samples = len(read(io.BytesIO(source), RATE_HZ).samples)
    with av.open(io.BytesIO(source)) as container:
        piece = find_mp3_piece(container, container.streams.audio[0], num_samples, 40000, 46000)
    assert 3 <= len(piece.warm_up) < 30
    assert len(piece.packets) <= 6000 / piece.frame_samples + 2
    assert piece.start <= 40000 < piece.start + piece.frame_samples
    assert pieces_differ(source) == []


def test_less_warm_up_would_be_wrong(monkeypatch):
    """The packets before a piece are needed: without them the samples differ."""
    monkeypatch.setattr("keras_musictag.records.decoding._RESERVOIR_BYTES", {576: 0})
    monkeypatch.setattr("keras_musictag.records.decoding._WARM_FRAMES", 0)
    assert pieces_differ(encode(*FILES["mp3 16 kHz mono 32 kbit/s"])) != []


@pytest.mark.parametrize("name", ["mp3 16 kHz mono 32 kbit/s", "ogg vorbis 16 kHz stereo", "flac 16 kHz mono"])
def test_a_damaged_file_gives_the_same_pieces(name):
    source = bytearray(encode(*FILES[name]))
    for place in range(len(source) // 3, 2 * len(source) // 3, 1500):
        source[place : place + 200] = bytes(200)
    assert pieces_differ(bytes(source)) == []


def test_an_mp3_with_a_lost_frame_is_decoded_from_its_start():
    source = encode(*FILES["mp3 16 kHz mono 32 kbit/s"])
    num_samples = len(read(io.BytesIO(source), RATE_HZ).samples)
    with av.open(io.BytesIO(source)) as container:
        assert find_mp3_piece(container, container.streams.audio[0], num_samples - 576, 40000, 46000) is None


def test_the_sample_rate_may_change_within_a_file():
    parts = [encode("libmp3lame", "mp3", rate_hz, 1, 32000) for rate_hz in (16000, 24000)]
    assert pieces_differ(b"".join(parts)) == []


def test_a_file_that_is_not_audio_is_refused():
    with pytest.raises(AudioError, match="is not audio that can be opened"):
        decode_pcm(b"no music" * 1000, RATE_HZ, 1000, 0, 10)

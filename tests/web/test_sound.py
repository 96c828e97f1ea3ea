"""Outlines by a streaming decode, and sound that browsers play: the file with ranges, or a copy."""

import asyncio
import io

import av
import numpy as np
import pytest
import soundfile

import keras_musictag as kmt
from keras_musictag.audio import read
from keras_musictag.web.decoding import AudioFacts, Preview
from keras_musictag.web.sound import growing_file, media_type, reduce_peaks
from tests.web.test_tagging import noise, wav


@pytest.fixture
def upload(client):
    ids = []

    def send(content: bytes) -> str:
        reply = client.post("/api/sources", files={"file": ("a file", content)})
        assert reply.status_code == 201, reply.text
        ids.append(reply.json()["source"])
        return f"/api/sources/{ids[-1]}"

    yield send
    for source in ids:
        client.delete(f"/api/sources/{source}")


def in_format(samples: np.ndarray, kind: str, subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples / 32768, 16000, subtype, format=kind)
    return file.getvalue()


@pytest.mark.parametrize("points", [1, 7, 100])
def test_peaks_are_the_lows_and_highs_of_equal_parts(client, upload, points):
    samples = noise(2.0)
    samples[16000:] //= 4
    peaks = np.array(client.get(f"{upload(wav(samples[None]))}/peaks?points={points}").json()["peaks"])
    assert peaks.shape == (points, 2)
    expected = np.array([[part.min(), part.max()] for part in np.array_split(samples, points)]) / 32768
    # the parts begin at multiples of 64 samples, so that a peak may be in the part next to its own
    assert np.quantile(np.abs(peaks - expected), 0.9) < 0.01
    assert (peaks.min(), peaks.max()) == pytest.approx((samples.min() / 32768, samples.max() / 32768), abs=1e-4)


def test_a_source_is_described_while_its_outline_is_made(client, upload):
    address = upload(wav(noise(1.0)[None]))
    (source,) = [s for s in client.app.state.services.sources._known.values() if s.id in address]
    client.portal.call(source.outlining.acquire)  # as the decode of a long track does, for a minute
    try:
        assert client.get(address).json()["name"] == "a file"
        assert client.post("/api/tag", data={"source": source.id}).status_code == 200
    finally:
        client.portal.call(source.outlining.release)


def test_the_outline_of_a_long_file_is_bounded(client, upload):
    samples = np.tile(noise(1.0), 240)
    samples[100 * 16000] = 32767
    address = upload(in_format(samples, "FLAC"))
    reply = client.get(f"{address}/peaks?points=240").json()
    assert reply["seconds"] == pytest.approx(240.0)
    assert np.argmax(np.array(reply["peaks"])[:, 1]) in (99, 100)
    (source,) = [s for s in client.app.state.services.sources._known.values() if s.id in address]
    assert 8192 <= len(source.outline.peaks) <= 20_000


def test_a_reduced_outline_has_the_extremes():
    outline = np.random.default_rng(0).normal(0, 0.4, (1000, 2))
    reduced = reduce_peaks(outline, 10)
    assert reduced.shape == (10, 2)
    assert reduced[3] == pytest.approx([max(outline[300:400].min(), -1), min(outline[300:400].max(), 1)])
    assert len(reduce_peaks(outline[:5], 10)) == 5


@pytest.mark.parametrize("points", ["0", "-1", "100000", "x"])
def test_an_invalid_number_of_points_is_refused(client, points):
    reply = client.get(f"/api/sources/demo:demo/peaks?points={points}")
    assert (reply.status_code, "`points`" in reply.json()["error"]) == (422, True)


def test_a_file_that_browsers_play_is_sent_with_ranges(client):
    address, content = "/api/sources/demo:demo/sound", kmt.demo_clip().read_bytes()
    whole = client.get(address)
    assert (whole.headers["content-type"], whole.headers["accept-ranges"]) == ("audio/mpeg", "bytes")
    assert whole.content == content
    part = client.get(address, headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, content[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(content)}"
    assert client.get(address, headers={"Range": f"bytes={len(content)}-"}).status_code == 416


def test_a_file_that_browsers_cannot_play_becomes_an_mp3(client, upload):
    samples = (8000 * np.sin(np.arange(5 * 16000) * 0.2)).astype(np.int16)
    address = upload(in_format(samples, "AIFF"))
    assert client.get(address).json()["playable"] is False
    reply = client.get(f"{address}/sound")
    assert reply.headers["content-type"] == "audio/mpeg"
    copy = read(io.BytesIO(reply.content), 16000)
    assert (copy.codec, copy.duration_seconds) == ("mp3", pytest.approx(5.0, abs=0.1))
    assert np.corrcoef(copy.samples[1000:70000], samples[1000:70000])[0, 1] > 0.99
    assert client.get(f"{address}/sound", headers={"Range": "bytes=0-9"}).status_code == 206  # it is whole by now
    client.delete(address)
    assert list(client.app.state.services.sources.folder.iterdir()) == []


def test_a_growing_file_is_read_to_its_end(tmp_path):
    path = tmp_path / "growing"

    async def write():
        await asyncio.sleep(0.05)
        with open(path, "wb") as file:
            for piece in (b"ab", b"cd", b"ef"):
                file.write(piece)
                file.flush()
                await asyncio.sleep(0.15)

    async def both():
        return [piece async for piece in growing_file(path, asyncio.create_task(write()))]

    pieces = asyncio.run(both())
    assert b"".join(pieces) == b"abcdef"
    assert len(pieces) > 1


@pytest.mark.parametrize(
    ("kind", "subtype", "expected"),
    [
        ("WAV", "PCM_16", "audio/wav"),
        ("WAV", "ULAW", None),
        ("FLAC", "PCM_16", "audio/flac"),
        ("OGG", "VORBIS", "audio/ogg"),
        ("MP3", "MPEG_LAYER_III", "audio/mpeg"),
        ("AU", "PCM_16", None),
    ],
)
def test_media_types_are_those_that_browsers_play(kind, subtype, expected):
    with kmt.audio.open_audio(io.BytesIO(in_format(noise(1.0), kind, subtype))) as stream:
        next(stream)
        assert media_type(AudioFacts.of(stream)) == expected


@pytest.mark.parametrize(("codec", "expected"), [("aac", "audio/mp4"), ("alac", None)])
def test_of_mp4_only_aac_is_played(codec, expected):
    file = io.BytesIO()
    with av.open(file, "w", format="ipod") as container:
        stream = container.add_stream(codec, rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(noise(1.0).astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = 16000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    file.seek(0)
    with kmt.audio.open_audio(file) as opened:
        next(opened)
        assert media_type(AudioFacts.of(opened)) == expected


def test_only_the_newest_copies_are_kept(client, upload, monkeypatch):
    services, content = client.app.state.services, in_format(noise(1.0), "AIFF")
    monkeypatch.setattr(services.sound, "_max_previews", 2)
    addresses = [upload(content) for _ in range(3)]
    for address in addresses:
        assert client.get(f"{address}/sound").status_code == 200
    assert len([*services.sources.folder.glob("*.mp3")]) == 2
    assert client.get(f"{addresses[0]}/sound").status_code == 200  # it is made again


def test_a_copy_that_failed_is_tried_again(client, upload, monkeypatch):
    address = upload(in_format(noise(1.0), "AIFF"))
    with monkeypatch.context() as patch:
        patch.setattr(
            "keras_musictag.web.sound.Preview", lambda path, target, seconds: Preview("gone", target, seconds)
        )
        assert client.get(f"{address}/sound").status_code == 415
    assert client.get(f"{address}/sound").status_code == 200

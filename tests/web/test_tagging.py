"""The server's results are those of `Tagger.tag` and `Tagger.taggram`, at once, as events and as a job."""

import io
import wave

import numpy as np
import pytest
import soundfile

import keras_musictag as kmt
from keras_musictag.web.served_models import ServedModel
from tests.web.conftest import demo_file, events_of

# in a batch that is shared with other clients, the order of additions differs: float32 has 7 digits
ROUNDING = 2e-6
VGG = {"model": "vgg-mtat-v1"}
STREAM = {"Accept": "text/event-stream"}


def wav(channels: np.ndarray, rate_hz: int = 16000) -> bytes:
    """A WAV file of int16 (channels, samples)."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((len(channels), 2, rate_hz, 0, "NONE", ""))
        writer.writeframes(channels.T.astype("<i2").tobytes())
    return file.getvalue()


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-8000, 8000, round(16000 * seconds))


def assert_same(reply: dict, result: kmt.TagResult) -> None:
    assert [row["tag"] for row in reply["tags"]] == [tag for tag, _ in result.tags]
    assert [row["score"] for row in reply["tags"]] == pytest.approx([s for _, s in result.tags], abs=ROUNDING)
    assert reply["seconds"] == pytest.approx(result.duration_seconds, abs=1e-3)
    assert reply["notes"] == list(result.notes)


@pytest.mark.parametrize("aggregate", ["mean", "median", "max"])
def test_a_source_has_the_tags_of_the_library(client, vgg, aggregate):
    form = {"source": "demo:demo", "model": "vgg-mtat-v1", "aggregate": aggregate, "top": "50"}
    reply = client.post("/api/tag", data=form)
    assert reply.status_code == 200
    assert_same(reply.json(), vgg.tag(kmt.demo_clip(), top=50, aggregate=aggregate))


@pytest.mark.parametrize("tail", ["anchor", "pad", "drop"])
def test_hop_and_tail_are_those_of_the_library(client, vgg, tail):
    form = {"model": "vgg-mtat-v1", "tail": tail, "hop_seconds": "1.25", "top": "7"}
    reply = client.post("/api/tag", data=form, files=demo_file()).json()
    assert_same(reply, vgg.tag(kmt.demo_clip(), top=7, tail=tail, hop_seconds=1.25))


def test_events_are_the_taggram_of_the_library(client, vgg):
    reply = client.post("/api/tag", data={"hop_seconds": "0.5", **VGG}, files=demo_file(), headers=STREAM)
    assert reply.headers["content-type"].startswith("text/event-stream")
    numbers, names, data = zip(*events_of(reply.text), strict=True)
    assert numbers == tuple(range(len(numbers)))
    assert (names[0], names[-1]) == ("start", "done")
    chunks = [each for name, each in zip(names, data, strict=True) if name == "chunks"]
    assert len(chunks) > 3  # they come as they are computed
    taggram = vgg.taggram(kmt.demo_clip(), hop_seconds=0.5)
    assert data[0]["tags"] == list(vgg.vocabulary.names)
    assert [each["first"] for each in chunks] == np.cumsum([0, *(len(c["scores"]) for c in chunks[:-1])]).tolist()
    for name in ("start_seconds", "end_seconds"):
        assert np.concatenate([each[name] for each in chunks]) == pytest.approx(getattr(taggram, name), abs=6e-5)
    assert np.concatenate([each["scores"] for each in chunks]) == pytest.approx(taggram.scores, abs=6e-5)  # 4 digits
    assert_same(data[-1], taggram.merge(top=None))


def test_thresholds_say_what_is_present(client):
    form = {"source": "demo:demo", "top": "50", "aggregate": "max"}
    tags = client.post("/api/tag", data=form).json()["tags"]
    known = [row for row in tags if row["threshold"] is not None]
    assert any(row["present"] for row in known) and not all(row["present"] for row in known)
    assert all(row["present"] == (row["score"] >= row["threshold"]) for row in known)
    assert not any(row["present"] for row in tags if row["threshold"] is None)


def test_nothing_is_present_in_silence_which_is_noted(client):
    silence = {"file": ("silence.wav", wav(np.zeros((1, 5 * 16000))))}
    reply = client.post("/api/tag", files=silence, data={"top": "50"}).json()
    assert reply["notes"][0].startswith("The track is silent")
    assert not any(row["present"] for row in reply["tags"])


def test_a_short_track_is_noted(client):
    reply = client.post("/api/tag", files={"file": ("short.wav", wav(noise(1.0)[None]))}).json()
    assert "shorter than the model's chunk" in reply["notes"][0]


def test_channels_that_cancel_each_other_begin_again(client, vgg):
    file = wav(np.stack([noise(30.0), -noise(30.0)]))
    events = events_of(client.post("/api/tag", data=VGG, files={"file": ("a.wav", file)}, headers=STREAM).text)
    names = [name for _, name, _ in events]
    assert names.count("start") == 2
    assert_same(events[-1][2], vgg.tag(io.BytesIO(file), top=None))


def test_a_job_has_the_same_result_and_its_events_resume(client, musicnn):
    body = {"kind": "tag", "source": "demo:demo", "model": "musicnn-mtat-v1"}
    reply = client.post("/api/jobs", json=body)
    assert reply.status_code == 202
    address = f"/api/jobs/{reply.json()['job']}"
    events = events_of(client.get(f"{address}/events").text)
    assert_same(events[-1][2], musicnn.tag(kmt.demo_clip(), top=None))
    resumed = events_of(client.get(f"{address}/events", headers={"Last-Event-ID": "1"}).text)
    assert resumed == events[2:]
    job = client.get(address).json()
    assert (job["state"], job["progress"], job["error"]) == ("done", 1.0, None)
    assert job["result"] == events[-1][2]


def test_a_hop_that_gives_too_many_chunks_is_refused(open_client):
    client = open_client(max_chunks_per_track=20)
    reply = client.post("/api/tag", data={"source": "demo:demo", "hop_seconds": "0.1"})
    assert reply.status_code == 422
    assert reply.json()["error"].startswith("`hop_seconds` of 0.1 cuts this track into more than 20 chunks.")


def test_a_track_that_is_too_long_is_refused_while_it_is_decoded(open_client):
    client = open_client(max_audio_seconds=10.0)
    reply = client.post("/api/tag", data={"source": "demo:demo"})
    assert (reply.status_code, "longer than 0.166667 minutes" in reply.json()["error"]) == (415, True)
    assert client.get("/api/sources/demo:demo/peaks").status_code == 415


def test_a_failed_job_says_why(client):
    text = {"file": ("song.mp3", b"These are words, and no music.\n" * 100)}
    events = events_of(client.post("/api/tag", files=text, headers=STREAM).text)
    assert [name for _, name, _ in events] == ["failed"]
    assert "not audio that can be opened" in events[0][2]["error"]


INVALID = {
    "an unknown model": ({"source": "demo:demo", "model": "musicn"}, 404, "There is no model 'musicn'"),
    "neither file nor source": ({"model": "musicnn-mtat-v1"}, 422, "either `file` or `source`"),
    "an unknown source": ({"source": "upload:00"}, 404, "There is no source 'upload:00'"),
    "a path": ({"source": "/etc/passwd"}, 404, "There is no source '/etc/passwd'"),
    "a track without a library": ({"source": "track:1"}, 404, "There is no source 'track:1'"),
    "an aggregate": ({"source": "demo:demo", "aggregate": "sum"}, 422, "`aggregate`"),
    "a hop": ({"source": "demo:demo", "hop_seconds": "0"}, 422, "`hop_seconds`"),
    "a hop that is not a number": ({"source": "demo:demo", "hop_seconds": "nan"}, 422, "`hop_seconds`"),
    "a misspelt field": ({"source": "demo:demo", "topp": "3"}, 422, "`topp`"),
    "a long field": ({"source": "x" * 5000}, 400, "exceeded"),
}


@pytest.mark.parametrize(("form", "status", "message"), INVALID.values(), ids=INVALID)
def test_invalid_forms_are_refused_with_a_sentence(client, form, status, message):
    files = demo_file() if message == "exceeded" else None  # makes it a form whose parts have limits
    reply = client.post("/api/tag", data=form, files=files)
    assert (reply.status_code, message in reply.json()["error"]) == (status, True), reply.text


def test_a_body_that_is_no_form_is_refused(client):
    reply = client.post("/api/tag", json={"source": "demo:demo"})
    assert (reply.status_code, "must be a form" in reply.json()["error"]) == (415, True)


def test_only_the_first_batch_of_a_track_can_be_refused(client, monkeypatch):
    flags, run = [], ServedModel.run

    def noting_run(model, chunks, admitted=False):
        flags.append(admitted)
        return run(model, chunks, admitted)

    monkeypatch.setattr(ServedModel, "run", noting_run)
    assert client.post("/api/tag", data=VGG, files=demo_file()).status_code == 200
    assert flags == [False, True]  # ten chunks in batches of eight


@pytest.mark.parametrize("is_stated", [True, False])
@pytest.mark.parametrize("limit", [{"LONG_SECONDS": 10.0}, {"LONG_CHUNKS": 8}])
def test_long_tracks_move_to_their_own_queue(client, musicnn, monkeypatch, limit, is_stated):
    for name, value in limit.items():
        monkeypatch.setattr(f"keras_musictag.web.tagging.{name}", value)
    file = io.BytesIO()
    soundfile.write(file, noise(30.0).astype(np.int16), 16000, format="FLAC")
    content = bytearray(file.getvalue())
    if not is_stated:  # the number of samples: 36 bits
        content[21:26] = bytes([content[21] & 0xF0, 0, 0, 0, 0])
    reply = client.post("/api/tag", files={"file": ("a.flac", bytes(content))}, headers=STREAM)
    events = events_of(reply.text)
    assert [name for _, name, _ in events].count("start") == (1 if is_stated else 2)
    assert_same(events[-1][2], musicnn.tag(io.BytesIO(content), top=None))
    assert "long tracks" in client.app.state.services.jobs._places

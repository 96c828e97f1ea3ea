"""Uploads: what they are is decided by content, names are only shown, and files do not stay."""

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag.library import Database, scan
from keras_musictag.web import ServerSettings
from keras_musictag.web.library_view import LibraryView
from keras_musictag.web.sources import Sources, shown_name
from tests.web.conftest import demo_file, make_client
from tests.web.test_tagging import noise, wav


def files_of(client) -> list[Path]:
    return list(client.app.state.services.sources.folder.iterdir())


def test_an_upload_is_described_played_and_forgotten(client):
    reply = client.post("/api/sources", files=demo_file("song.ogg"))  # the name does not matter
    assert reply.status_code == 201
    facts = reply.json()
    source = facts.pop("source")
    size = kmt.demo_clip().stat().st_size
    assert facts == {"name": "song.ogg", "seconds": pytest.approx(29.2, abs=0.2), "bytes": size, "kind": "mp3"}
    described = client.get(f"/api/sources/{source}").json()
    assert (described["sample_rate"], described["channels"], described["playable"]) == (16000, 1, True)
    assert client.delete(f"/api/sources/{source}").status_code == 204
    assert client.get(f"/api/sources/{source}").status_code == 404
    assert client.delete(f"/api/sources/{source}").status_code == 404
    assert files_of(client) == []


NOT_AUDIO = {
    "text": b"These are words, and no music.\n" * 100,
    "a web page": b"<!doctype html><title>No</title>" * 50,
    "a playlist": b"#EXTM3U\n/etc/passwd\n",
    "an empty file": b"",
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "zeros": bytes(10_000),
    "a WAV of 1000 channels": wav(np.zeros((1, 100))).replace(b"\x01\x00\x01\x00", b"\x01\x00\xe8\x03", 1),
}


@pytest.mark.parametrize("content", NOT_AUDIO.values(), ids=NOT_AUDIO)
def test_what_is_not_audio_is_refused_and_removed(client, content):
    reply = client.post("/api/sources", files={"file": ("song.mp3", content)})
    error = reply.json()["error"]
    assert reply.status_code == 415
    assert error.startswith("The file ") and error.endswith((".", "?")) and "/" not in error
    assert files_of(client) == []


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "..\\..\\x.mp3", "a/b\0c.mp3", "\u202eevil.mp3", "x" * 999]
)
def test_names_are_shown_and_never_used(client, name):
    source = client.post("/api/sources", files=demo_file(name)).json()
    assert "/" not in source["name"] and source["name"].isprintable() and len(source["name"]) <= 200
    (path,) = files_of(client)
    assert path.name == source["source"].removeprefix("upload:")
    assert path.read_bytes() == kmt.demo_clip().read_bytes()
    client.delete(f"/api/sources/{source['source']}")


def test_shown_names_have_no_folders():
    assert [shown_name(name) for name in ("C:\\x\\a.mp3", "x/", "", " . ")] == [
        "a.mp3",
        "a file without a name",
        "a file without a name",
        ".",
    ]


@pytest.mark.parametrize("source", ["upload:../x", "demo:../demo", "track:1", "track:-1", "x", "upload:", "%2e%2e%2fx"])
def test_ids_are_no_paths(client, source):
    for path in ("", "/sound", "/peaks"):
        assert client.get(f"/api/sources/{source}{path}").status_code == 404


def test_demo_clips_cannot_be_removed(client):
    assert client.delete("/api/sources/demo:demo").status_code == 404
    assert [demo["source"] for demo in client.get("/api/sources").json()["demos"]] == ["demo:demo"]


def test_a_huge_stated_duration_is_only_a_statement(open_client):
    client = open_client(max_audio_seconds=100.0)
    content = bytearray(wav(noise(1.0)[None]))
    content[40:44] = (2**28).to_bytes(4, "little")  # the length of the samples: 2.3 hours
    source = client.post("/api/sources", files={"file": ("a.wav", bytes(content))}).json()["source"]
    assert client.get(f"/api/sources/{source}/peaks").json()["seconds"] == pytest.approx(1.0)
    described = client.get(f"/api/sources/{source}").json()
    assert described["seconds"] == pytest.approx(1.0)
    assert described["notes"][0].startswith("The header states ")
    assert client.post("/api/tag", data={"source": source}).json()["seconds"] == pytest.approx(1.0)
    client.delete(f"/api/sources/{source}")


def test_uploads_expire_after_their_last_use(open_client, monkeypatch):
    monkeypatch.setattr("keras_musictag.web.sources.SWEEP_SECONDS", 0.05)
    client = open_client(upload_seconds=600.0)
    source = client.post("/api/sources", files=demo_file()).json()["source"]
    time.sleep(0.2)
    assert client.get(f"/api/sources/{source}").status_code == 200
    (upload,) = client.app.state.services.sources._uploads()
    upload.last_used -= 601
    end = time.monotonic() + 10
    while files_of(client) and time.monotonic() < end:
        time.sleep(0.05)
    assert files_of(client) == []
    assert "expire" in client.get(f"/api/sources/{source}").json()["error"]


def test_the_oldest_uploads_make_room(open_client):
    size = kmt.demo_clip().stat().st_size
    client = open_client(max_stored_bytes=round(2.5 * size))
    ids = [client.post("/api/sources", files=demo_file()).json()["source"] for _ in range(3)]
    assert [client.get(f"/api/sources/{source}").status_code for source in ids] == [404, 200, 200]
    assert len(files_of(client)) == 2


def test_the_number_of_uploads_is_limited(client, monkeypatch):
    monkeypatch.setattr("keras_musictag.web.sources.MAX_UPLOADS", 2)
    ids = [client.post("/api/sources", files=demo_file()).json()["source"] for _ in range(3)]
    assert [client.get(f"/api/sources/{source}").status_code for source in ids] == [404, 200, 200]
    for source in ids[1:]:
        client.delete(f"/api/sources/{source}")


def test_the_folder_is_removed_at_the_end():
    with make_client(models=("vgg-mtat-v1",)) as client:
        folder = client.app.state.services.sources.folder
        client.post("/api/sources", files=demo_file())
        assert len(files_of(client)) == 1
    assert not folder.exists()


def test_a_form_with_a_second_file_is_refused(client):
    files = [("file", ("a.mp3", b"x")), ("file", ("b.mp3", b"y"))]
    assert client.post("/api/sources", files=files).status_code == 400
    fields = {f"field{number}": "x" for number in range(20)}
    assert client.post("/api/sources", data=fields, files=demo_file()).status_code == 400
    assert client.post("/api/sources", data={"file": "text"}).status_code == 422
    assert client.post("/api/sources", data={"path": "/etc/passwd"}, files=demo_file()).status_code == 422


def test_tracks_of_the_library_are_sources(open_client, tmp_path):
    music = tmp_path / "music"
    music.mkdir()
    (music / "a.mp3").write_bytes(kmt.demo_clip().read_bytes())
    with Database(tmp_path / "library.db", create=True) as database:
        scan([music], database, models=["vgg-mtat-v1"], jobs=1)
    client = open_client(database=tmp_path / "library.db")
    assert client.get("/api/sources/track:1").json()["name"] == "a.mp3"
    assert client.get("/api/sources/track:1/sound").content == kmt.demo_clip().read_bytes()
    assert client.get("/api/sources/track:2").status_code == 404
    assert client.delete("/api/sources/track:1").status_code == 404
    assert (music / "a.mp3").exists()


def test_a_track_that_is_asked_for_twice_at_once_is_one_source(scanned_library):
    settings = ServerSettings(database=scanned_library / "library.db")
    sources = Sources(settings, None, LibraryView(settings.database))

    async def get_both():
        return await asyncio.gather(sources.get("track:1"), sources.get("track:1"))

    first, second = asyncio.run(get_both())
    assert first is second


def test_a_damaged_library_is_a_sentence_without_a_path(open_client, tmp_path):
    (tmp_path / "library.db").write_bytes(b"SQLite format 3" + bytes(5000))
    reply = open_client(database=tmp_path / "library.db").get("/api/sources/track:1")
    assert (reply.status_code, str(tmp_path.parent) in reply.text) == (503, False), reply.text


def test_an_upload_that_a_job_needs_does_not_make_room(open_client, monkeypatch):
    monkeypatch.setattr("keras_musictag.web.sources.MAX_UPLOADS", 2)
    client = open_client()
    ids = [client.post("/api/sources", files=demo_file()).json()["source"] for _ in range(2)]
    job = {"kind": "tag", "source": ids[0], "hop_seconds": 0.01}
    job = client.post("/api/jobs", json=job).json()["job"]
    ids.append(client.post("/api/sources", files=demo_file()).json()["source"])
    assert [client.get(f"/api/sources/{source}").status_code for source in ids] == [200, 404, 200]
    second = {"kind": "tag", "source": ids[2], "hop_seconds": 0.01}
    second = client.post("/api/jobs", json=second).json()["job"]
    refused = client.post("/api/sources", files=demo_file())
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    for each in (job, second):
        client.delete(f"/api/jobs/{each}")
        assert "cancelled" in client.get(f"/api/jobs/{each}/events").text
    assert client.post("/api/sources", files=demo_file()).status_code == 201

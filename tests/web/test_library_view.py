"""The library is searched by words and by example, is never written to, and names no path of the server."""

import os
import shutil
import threading

import numpy as np
import pytest

from keras_musictag import demo_clip
from keras_musictag.library import Database, embed_example, presence_thresholds, read_vectors, scan, search_library
from tests.library.music_folder import write_music
from tests.library.synthetic import add_scores
from tests.web.scanned_music import MODEL

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(scanned_library):
    from tests.web.conftest import make_client

    with make_client(models=(MODEL,), database=scanned_library / "library.db") as client:
        yield client


@pytest.fixture
def database(scanned_library):
    with Database(scanned_library / "library.db", read_only=True) as database:
        yield database


@pytest.fixture
def copy(scanned_library, tmp_path):
    """A copy that the test may change."""
    return shutil.copytree(scanned_library, tmp_path / "copy") / "library.db"


def find(client, **query):
    reply = client.get("/api/library/search", params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


def error(client, status, **query):
    reply = client.get("/api/library/search", params=query)
    assert reply.status_code == status, reply.text
    return reply.json()["error"]


def test_the_summary_counts_tracks_files_and_problems(client):
    reply = client.get("/api/library").json()
    assert (reply["available"], reply["tracks"], reply["files"], reply["problems"]) == (True, 4, 5, 1)
    (model,) = reply["models"]
    assert (model["name"], model["tracks"], model["thresholds"]) == (MODEL, 4, "estimated")
    assert "guitar" in model["tags"]


def test_without_a_database_there_is_no_library(open_client):
    client = open_client()
    assert client.get("/api/library").json() == {"available": False}
    for address in ("search?q=piano", "search?like=track:1", "search?like=demo:demo", "tracks/1"):
        reply = client.get(f"/api/library/{address}")
        assert reply.status_code == 404 and "library" in reply.json()["error"]


def test_words_find_what_the_library_finds(client, database):
    reply, expected = find(client, q="guitar, no vocals"), search_library(database, "guitar, no vocals")
    assert [match["source"] for match in reply["matches"]] == [f"track:{match.track}" for match in expected]
    assert [match["score"] for match in reply["matches"]] == [
        pytest.approx(match.match, abs=1e-6) for match in expected
    ]
    reasons = {(reason["term"], reason["tag"]) for reason in reply["matches"][0]["reasons"]}
    assert reasons == {(reason.term, reason.tag) for reason in expected[0].reasons}
    assert reply["total"] == len(expected)


def test_pages_follow_each_other(client):
    whole = find(client, q="guitar")
    pages = [find(client, q="guitar", limit=1, offset=offset) for offset in range(whole["total"] + 1)]
    assert [match for page in pages for match in page["matches"]] == whole["matches"]
    assert {page["total"] for page in pages} == {whole["total"]} == {3}  # the silent track is never found


@pytest.mark.parametrize(
    ("words", "sentence"), [("gitar", "'guitar'"), ("", "at least one tag"), ("piano, no", "negation")]
)
def test_a_wrong_query_is_answered_with_its_sentence(client, words, sentence):
    assert sentence in error(client, 400, q=words)


def test_a_search_needs_words_or_an_example(client):
    assert "needs words" in error(client, 400)


def test_an_unknown_model_or_track_is_not_found(client):
    assert MODEL in error(client, 404, q="guitar", model="resnet")
    assert "999" in error(client, 404, like="track:999")
    assert "no track 999" in client.get("/api/library/tracks/999").json()["error"]
    assert client.get("/api/library/tracks/99999999999999999999").status_code == 422


def test_a_track_finds_the_others_by_cosine(client, database):
    model = database.find_model()
    vectors = np.asarray(read_vectors(database, model), np.float64)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = {file.track: file.vector_row for file in database.scored_files(model)}
    (track,) = [file.track for file in database.scored_files(model) if file.path.endswith("demo.mp3")]
    found = {match["source"]: match["score"] for match in find(client, like=f"track:{track}")["matches"]}
    assert len(found) == 2 and f"track:{track}" not in found
    for source, score in found.items():
        assert score == pytest.approx(unit[rows[track]] @ unit[rows[int(source[6:])]], abs=1e-5)


def test_an_upload_is_compared_by_the_stored_model(client, database):
    with open(demo_clip(), "rb") as file:
        source = client.post("/api/sources", files={"file": ("mine.mp3", file)}).json()["source"]
    first = find(client, like=source)["matches"][0]
    assert first["name"] == "demo.mp3" and first["score"] == pytest.approx(1, abs=1e-4)
    model = database.find_model()
    example = embed_example(demo_clip(), model)
    expected = search_library(database, example=example, model=model)
    assert first["source"] == f"track:{expected[0].track}"
    vocals = find(client, like=source, q="vocals")["total"]  # words select
    assert vocals == len(search_library(database, "vocals", example=example, model=model)) < 3


def test_a_model_with_other_weights_is_refused(copy, open_client):
    with Database(copy) as database:
        database.connection.execute("UPDATE models SET weights_sha256 = 'other'")
        os.rename(next(copy.parent.glob("*.vectors")), copy.parent / f"{copy.name}.{MODEL}-other.vectors")
    client = open_client(database=copy)
    sentence = error(client, 400, like="demo:demo")
    assert MODEL in sentence and "weights" in sentence
    assert find(client, like="track:1")["total"] == 2  # its embedding is stored


def test_a_track_has_the_scores_of_each_model(client, database):
    model = database.find_model()
    file = next(file for file in database.scored_files(model) if file.labels.artist)
    reply = client.get(f"/api/library/tracks/{file.track}").json()
    (rows,) = reply["scores"].values()
    assert [row["score"] for row in rows] == sorted((round(float(score), 4) for score in file.scores), reverse=True)
    limits = presence_thresholds(model).values
    assert all(row["present"] == (row["threshold"] is not None and row["score"] >= row["threshold"]) for row in rows)
    assert {row["tag"]: row["threshold"] for row in rows if row["threshold"] is not None} == limits
    assert (reply["artist"], reply["title"], reply["year"]) == ("The Band", "<b>Nö\\n1</b>", 1999)


def test_a_silent_track_has_no_tags_and_says_so(copy, open_client):
    with Database(copy) as database:
        model = database.find_model()
        (track,) = [file.track for file in database.scored_files(model) if "silence" in file.path]
        high = np.full(len(model.vocabulary), 0.99, "<f4").tobytes()
        database.connection.execute("UPDATE results SET scores = ? WHERE track = ?", (high, track))
    reply = open_client(database=copy).get(f"/api/library/tracks/{track}").json()
    assert not any(row["present"] for row in reply["scores"][MODEL])
    assert "silent" in reply["notes"][0] and reply["title"] == "silence"


def test_only_the_end_of_a_path_is_told(client, scanned_library):
    reply = client.get("/api/library/search?q=guitar")
    names = {match["name"] for match in reply.json()["matches"]}
    assert names == {"demo.mp3", "deep/copy.flac", "er/est/\\xff\\n.ogg"} or "tagged.flac" in names
    assert any("\\xff" in name for name in names)
    assert str(scanned_library) not in reply.text and "music" not in reply.text


def test_the_database_is_not_written_to(copy, open_client):
    files = {path.name: path.read_bytes() for path in copy.parent.glob("library.db*")}
    client = open_client(database=copy)
    for address in ("library", "library/search?q=guitar", "library/search?like=track:1", "library/tracks/1"):
        assert client.get(f"/api/{address}").status_code == 200
    for name, content in files.items():
        assert (copy.parent / name).read_bytes() == content, name


def test_a_search_works_while_a_scan_runs(copy, open_client, tmp_path):
    client, totals = open_client(database=copy), []
    (tmp_path / "more").mkdir()
    write_music(tmp_path / "more" / "a.flac", 4.0, 7)
    with Database(copy) as database:
        scan(
            [tmp_path / "more"],
            database,
            [MODEL],
            jobs=1,
            report=lambda summary: totals.append(find(client, q="guitar")["total"]),
        )
    totals.append(find(client, q="guitar")["total"])
    assert totals[0] == 3 and totals[-1] == 4 and len(totals) > 2


def test_a_search_sees_what_was_stored_before_it(copy, open_client):
    client, stop, totals = open_client(database=copy), threading.Event(), []

    def write():
        with Database(copy) as database, database.writing():
            tags = database.find_model().vocabulary
            for number in range(1000):
                if stop.is_set():
                    return
                scores, vectors = np.full((1, len(tags)), 0.9, np.float32), np.full((1, 8), 0.5, np.float32)
                add_scores(database, [f"/music/{number}.mp3"], scores, tags, "my-own-v1", vectors)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(totals) < 200 and (len(totals) < 5 or totals[-1] < totals[0] + 20):
            totals.append(find(client, q="guitar", limit=500)["total"])
    finally:
        stop.set()
        writer.join()
    assert totals == sorted(totals) and totals[-1] > totals[0]


def test_what_is_wrong_with_a_database_is_said(copy, open_client):
    client = open_client(database=copy)
    content = copy.read_bytes()
    for damage, sentence in (
        (lambda: copy.write_text("words " * 999), "not a library database"),
        (lambda: copy.write_bytes(b""), "is empty"),
        (lambda: copy.write_bytes(content[: len(content) // 2]), "damaged|malformed|disk image"),
        (copy.unlink, "no library database"),
    ):
        damage()
        for address in ("library", "library/search?q=guitar", "library/tracks/1"):
            reply = client.get(f"/api/{address}")
            assert reply.status_code in (200, 503), reply.text
            assert str(copy.parent) not in reply.text
        assert any(part in client.get("/api/library").text for part in sentence.split("|")), sentence
    assert not copy.exists(), "opening created the file"

"""Evaluations run one after another in processes of their own, can be cancelled, and join the reports."""

import json
import multiprocessing
import shutil
import time

import numpy as np
import pytest

from keras_musictag.evaluation import evaluate, read_run
from keras_musictag.files import locked
from keras_musictag.records import Records
from keras_musictag.web.evaluation_jobs import Request, answer
from tests.records.make import make_records
from tests.web.mtat_records import write_records

VGG = "vgg-mtat-v1"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`mtat/records` can be used with vgg; `other/records` has other tags; `damaged` lacks a shard."""
    folder = tmp_path_factory.mktemp("records")
    write_records(folder / "mtat")
    make_records(folder / "other", num_tracks=5, seconds=0.5)
    shutil.copytree(folder / "other" / "records", folder / "damaged")
    next((folder / "damaged").glob("*.tfrecord")).unlink()
    return folder


@pytest.fixture
def reports(tmp_path):
    return tmp_path / "reports"


@pytest.fixture
def client(folder, reports, open_client):
    reports.mkdir()
    return open_client(models=(VGG, "vgg-msd-v1"), records=(folder,), reports=(reports,))


def start(client, **job):
    reply = client.post("/api/jobs", json={"kind": "evaluate", "model": VGG, **job})
    assert reply.status_code == 202, reply.text
    return reply.json()["job"]


def wait(client, job, *states, seconds=120):
    """Waits until a job has one of the states, or has made progress ("progress"), and returns it."""
    for _ in range(seconds * 20):
        reply = client.get(f"/api/jobs/{job}").json()
        if reply["state"] in states or (reply["progress"] and "progress" in states):
            return reply
        assert reply["state"] in ("queued", "running"), reply
        time.sleep(0.05)
    raise AssertionError(f"{job} stays {reply}")


def records_of(client):
    return {row["name"]: row for row in client.get("/api/records").json()}


def children():
    return [child for child in multiprocessing.active_children() if child.name.startswith("evaluation")]


def test_records_are_listed_with_the_models_that_fit(client, folder):
    rows = records_of(client)
    assert set(rows) == {"mtat/records", "other/records", "damaged"}
    mtat = rows["mtat/records"]
    assert (mtat["tags"], mtat["parts"], mtat["models"]) == (50, {"train": 9, "valid": 3, "test": 3}, [VGG])
    assert rows["other/records"]["models"] == []
    assert "is missing" in rows["damaged"]["error"] and str(folder) not in rows["damaged"]["error"]


def test_what_cannot_be_evaluated_is_refused(client, folder):
    rows = records_of(client)

    def sentence(status, **job):
        reply = client.post("/api/jobs", json={"kind": "evaluate", "model": VGG, **job})
        assert reply.status_code == status, reply.text
        return reply.json()["error"]

    mtat = rows["mtat/records"]["records"]
    assert "no model 'vgg'" in sentence(404, records=mtat, model="vgg")
    assert "no records 'none'" in sentence(404, records="none")
    assert "must have the same tags" in sentence(400, records=rows["other/records"]["records"])
    assert "must have the same tags" in sentence(400, records=mtat, model="vgg-msd-v1")
    assert "is missing" in sentence(400, records=rows["damaged"]["records"])
    assert "part" in sentence(422, records=mtat, part="all")
    assert str(folder) not in sentence(400, records=rows["damaged"]["records"])


def test_two_evaluations_run_one_after_the_other(client, folder, reports, vgg_tagger, tmp_path):
    """The first is cancelled in the middle, the second joins the reports, and clients can tag meanwhile."""
    records = records_of(client)["mtat/records"]["records"]
    first, second = start(client, records=records, part="train"), start(client, records=records)
    third = start(client, records=records, part="valid")
    assert wait(client, first, "progress")["state"] == "running"
    assert client.get(f"/api/jobs/{second}").json()["state"] == "queued"
    assert client.post("/api/tag", data={"source": "demo:demo"}).json()["model"] == VGG
    assert client.delete(f"/api/jobs/{third}").status_code == 204
    assert wait(client, third, "cancelled")["result"] is None
    assert len(children()) == 1
    client.delete(f"/api/jobs/{first}")
    assert wait(client, first, "cancelled", seconds=60)["result"] is None
    (resumable,) = (reports / "from_page").glob("vgg*-train-*/.train.partial.npz")
    assert 0 < len(np.load(resumable)["counts"]) < 9

    job = wait(client, second, "done")
    assert children() == []
    events = client.get(f"/api/jobs/{second}/events").text
    assert '{"done":6,"total":6}' in events and "event: done" in events
    whole = client.get(f"/api/reports/{job['result']['report']}").json()
    assert (whole["name"], whole["source"], whole["part"], whole["tracks"]) == (VGG, "job", "test", 3)
    expected = evaluate(vgg_tagger, folder / "mtat" / "records", tmp_path / "expected")
    (written,) = (reports / "from_page").glob("vgg*-test-*")
    np.testing.assert_array_equal(
        read_run(written).predictions.scores, read_run(tmp_path / "expected").predictions.scores
    )
    assert whole["metrics"]["f1"]["low"] == expected.group().metrics["f1"].macro[1]
    rows = client.get("/api/reports").json()
    assert [row["report"] for row in rows if row["source"] == "job"] == [job["result"]["report"]]


def test_a_failed_evaluation_says_why_without_paths(folder, tmp_path):
    """In this process: a fresh one would take seconds for each reason."""
    copy = shutil.copytree(folder / "mtat" / "records", tmp_path / "mtat")
    shard = next(copy.glob("test-*"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 4] ^= 255
    shard.write_bytes(content)

    def failure(records, out):
        messages = []
        answer(messages.append, Request(VGG, records, "test", out))
        kind, sentence = messages[-1]
        assert kind == "failed" and str(tmp_path) not in sentence and str(folder) not in sentence
        return sentence

    assert shard.name in failure(copy, tmp_path / "out" / "one")
    with locked(tmp_path / "out", ".one.lock"):
        assert "Another process" in failure(folder / "mtat" / "records", tmp_path / "out" / "one")
    (tmp_path / "file").touch()
    assert "file" in failure(folder / "mtat" / "records", tmp_path / "file" / "out")


def test_results_without_a_folder_of_reports_are_removed(folder, open_client):
    from tests.web.conftest import make_client

    with make_client(models=(VGG,), records=(folder / "mtat" / "records",)) as client:
        out = client.app.state.services.evaluations.out
        assert out.is_dir() and out.stat().st_mode & 0o777 == 0o700
        assert [row["name"] for row in client.get("/api/records").json()] == ["records"]
        (out / "run").mkdir()
    assert not out.exists()
    assert Records(folder / "mtat" / "records").folder.is_dir()


def test_a_killed_process_is_a_failed_job(client):
    records = records_of(client)["mtat/records"]["records"]
    job = start(client, records=records, part="train")
    wait(client, job, "running")
    while not children():
        time.sleep(0.01)
    children()[0].kill()
    assert "memory" in wait(client, job, "failed", seconds=60)["error"]
    assert json.loads(client.get(f"/api/jobs/{job}/events").text.rpartition("data: ")[2])["error"]

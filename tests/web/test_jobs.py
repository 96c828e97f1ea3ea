"""Jobs: their events, limits, ends, and what happens if nobody asks for them."""

import asyncio

import pytest
from fastapi import HTTPException

from keras_musictag import AudioError, UnknownNameError
from keras_musictag.web import jobs as jobs_module
from keras_musictag.web.jobs import Jobs, OtherQueueError


def with_jobs(test, **limits):
    """Runs a coroutine function with jobs."""

    async def run():
        jobs = Jobs(**{"max_running": 2, "max_waiting": 2, "max_kept": 2, **limits})
        try:
            return await test(jobs)
        finally:
            await jobs.drain(0)

    return asyncio.run(run())


async def count(job):
    for number in range(3):
        job.emit("progress", {"done": number})
        await asyncio.sleep(0)
    return {"total": 3}


async def wait_for_ever(job):
    await asyncio.Event().wait()


async def names_of(job, after=-1):
    return [event.name async for event in job.follow(after)]


def test_events_come_in_order_and_resume():
    async def test(jobs):
        job = jobs.start("tag", count)
        live = [(event.number, event.name, event.data) async for event in job.follow()]
        assert live[-1] == (3, "done", '{"total":3}')
        assert [event.number for event in job.events] == [0, 1, 2, 3]
        assert job.events[3].as_text() == 'id: 3\nevent: done\ndata: {"total":3}\n\n'
        assert await names_of(job, after=1) == ["progress", "done"]
        assert await names_of(job, after=99) == []
        assert job.to_dict() == {
            "job": job.id,
            "kind": "tag",
            "state": "done",
            "progress": 1.0,
            "error": None,
            "result": {"total": 3},
        }

    with_jobs(test)


def test_jobs_beyond_the_limit_wait_and_then_are_refused():
    async def test(jobs):
        all_jobs = [jobs.start("tag", wait_for_ever) for _ in range(2)]
        await asyncio.sleep(0)
        all_jobs += [jobs.start("tag", wait_for_ever) for _ in range(2)]
        await asyncio.sleep(0)
        assert [job.state for job in all_jobs] == ["running", "running", "queued", "queued"]
        with pytest.raises(HTTPException) as refused:
            jobs.start("tag", count)
        assert (refused.value.status_code, refused.value.headers) == (429, {"Retry-After": "2"})
        assert await names_of(jobs.start("evaluate", count)) == ["progress"] * 3 + ["done"]  # another kind
        all_jobs[0].cancel()
        await asyncio.sleep(0.01)
        assert [job.state for job in all_jobs] == ["cancelled", "running", "running", "queued"]

    with_jobs(test)


def test_a_job_that_moves_gives_up_its_place():
    async def move(job):
        job.emit("start", {})
        raise OtherQueueError("long tracks", 1, wait_for_ever)

    async def test(jobs):
        moved = [jobs.start("tag", move) for _ in range(2)]
        short = jobs.start("tag", count)
        assert await names_of(short) == ["progress"] * 3 + ["done"]
        assert [job.state for job in moved] == ["running", "queued"]
        moved[0].cancel()
        await asyncio.wait([moved[0].task])
        await asyncio.sleep(0)
        assert (moved[0].state, moved[1].state) == ("cancelled", "running")

    with_jobs(test, max_running=1, max_waiting=4)


def test_a_cancelled_job_says_so_even_if_it_never_ran():
    async def test(jobs):
        job = jobs.start("tag", count)
        job.cancel()
        assert await names_of(job) == ["cancelled"]
        assert job.state == "cancelled"
        job.cancel()  # again: nothing
        assert len(job.events) == 1

    with_jobs(test)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (AudioError("The file is empty."), "The file is empty."),
        (HTTPException(429, "Too much to do."), "Too much to do."),
        (RuntimeError("a secret"), "The server failed on this job (RuntimeError); its log says where."),
    ],
)
def test_a_failed_job_has_a_sentence(error, sentence):
    async def fail(job):
        raise error

    async def test(jobs):
        job = jobs.start("tag", fail)
        assert await names_of(job) == ["failed"]
        assert (job.state, job.error, job.failure) == ("failed", sentence, error)

    with_jobs(test)


def test_only_some_finished_jobs_are_kept():
    async def test(jobs):
        ids = []
        for _ in range(4):
            job = jobs.start("tag", count)
            await names_of(job)
            await job.task
            ids.append(job.id)
        with pytest.raises(UnknownNameError, match="kept only for a while"):
            jobs.get(ids[0])
        assert [job.id for job in jobs] == ids[2:]

    with_jobs(test)


def test_long_logs_are_dropped_sooner(monkeypatch):
    monkeypatch.setattr(jobs_module, "MAX_LOG_CHARACTERS", 100)

    async def test(jobs):
        for _ in range(4):
            await jobs.start("tag", count).task
        assert sum(job.log_characters for job in jobs) <= 100
        assert len(list(jobs)) == 2  # 46 characters each

    with_jobs(test, max_kept=9)


def test_a_job_that_nobody_asks_for_is_cancelled(monkeypatch):
    monkeypatch.setattr(jobs_module, "ABANDONED_SECONDS", 0.2)

    async def test(jobs):
        abandoned, kept = jobs.start("tag", wait_for_ever), jobs.start("evaluate", wait_for_ever, abandonable=False)
        followed = jobs.start("tag", wait_for_ever)
        with followed.followed():
            await asyncio.sleep(0.6)
            assert (abandoned.state, kept.state, followed.state) == ("cancelled", "running", "running")
        await asyncio.sleep(0.6)
        assert followed.state == "cancelled"

    with_jobs(test)


def test_a_quiet_job_gives_signs_of_life(monkeypatch):
    monkeypatch.setattr(jobs_module, "KEEP_ALIVE_SECONDS", 0.05)

    async def test(jobs):
        job = jobs.start("tag", wait_for_ever)
        async for event in job.follow():
            assert event is None
            job.cancel()
            break

    with_jobs(test)


def test_events_from_a_thread_arrive_in_the_loop():
    async def test(jobs):
        async def work(job):
            await asyncio.to_thread(job.emit_from_thread, "progress", {"done": 1}, 0.5)
            await asyncio.sleep(0.01)
            assert job.progress == 0.5
            return {}

        assert await names_of(jobs.start("tag", work)) == ["progress", "done"]

    with_jobs(test)


def test_draining_finishes_what_runs_and_starts_nothing():
    async def test(jobs):
        short, endless = jobs.start("tag", count), jobs.start("tag", wait_for_ever)
        await jobs.drain(0.1)
        assert (short.state, endless.state) == ("done", "cancelled")
        with pytest.raises(HTTPException) as refused:
            jobs.start("tag", count)
        assert refused.value.status_code == 503

    with_jobs(test)


def test_the_routes_follow_and_cancel(client):
    source = {"kind": "tag", "source": "demo:demo", "model": "musicnn-mtat-v1", "hop_seconds": 0.01}
    address = f"/api/jobs/{client.post('/api/jobs', json=source).json()['job']}"
    assert client.delete(address).status_code == 204
    assert "event: cancelled" in client.get(f"{address}/events").text
    assert client.get(address).json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"kind": "dance"}, 422, "kind"),
        ({"kind": "tag"}, 422, "source` is missing."),
        ({"kind": "tag", "source": "/etc/passwd"}, 404, "There is no source"),
        ({"kind": "tag", "source": "demo:demo", "model": "x"}, 404, "There is no model"),
        ({"kind": "tag", "source": "demo:demo", "hop_seconds": -1}, 422, "hop_seconds"),
    ],
)
def test_invalid_jobs_are_refused(client, body, status, message):
    reply = client.post("/api/jobs", json=body)
    assert (reply.status_code, message in reply.json()["error"]) == (status, True), reply.text


def test_an_unknown_job_is_a_sentence(client):
    for reply in (client.get("/api/jobs/x"), client.delete("/api/jobs/x"), client.get("/api/jobs/x/events")):
        assert (reply.status_code, reply.json()["error"].startswith("There is no job 'x'.")) == (404, True)

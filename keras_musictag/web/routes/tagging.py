"""Tagging in one request: a file or a source goes in, and its tags come out, at once or as they come."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from keras_musictag.choices import AGGREGATES, TAILS
from keras_musictag.web.client_left import wait_until_left
from keras_musictag.web.forms import form_schema, read_form
from keras_musictag.web.jobs import Job
from keras_musictag.web.replies import left_error, refusal
from keras_musictag.web.services import Shared
from keras_musictag.web.tagging import TagOptions, start_tag_job

MIN_HOP_SECONDS, MAX_HOP_SECONDS = 0.01, 600.0
EVENT_STREAM = "text/event-stream"

router = APIRouter(prefix="/api", tags=["tagging"])

Aggregate = Annotated[str, Field(pattern=f"^({'|'.join(AGGREGATES)})$")]
Tail = Annotated[str, Field(pattern=f"^({'|'.join(TAILS)})$")]
Hop = Annotated[float | None, Field(ge=MIN_HOP_SECONDS, le=MAX_HOP_SECONDS)]


class TagFields(BaseModel):
    """The fields of a form next to the file."""

    model_config = ConfigDict(extra="forbid")

    source: str | None = None
    model: str | None = None
    aggregate: Aggregate = "mean"
    tail: Tail = "anchor"
    hop_seconds: Hop = None
    top: Annotated[int, Field(ge=1, le=10_000)] = 10


TAG_REPLY = {
    200: {
        "description": "The tags, highest score first; with `Accept: text/event-stream`, the events of a job.",
        "content": {"application/json": {}, EVENT_STREAM: {}},
    }
}


@router.post("/tag", openapi_extra=form_schema(TagFields, file_required=False), responses=TAG_REPLY)
async def tag(request: Request, services: Shared) -> Response:
    """Tags a file that is part of the form, or a source.

    With `Accept: text/event-stream`, the reply is a stream of events: `start`, then `chunks` and `progress` as the
    scores come, and at the end `done`, `failed` or `cancelled`. If the client hangs up, the work is cancelled.
    """
    sources = services.sources
    services.jobs.check_room("tag")  # before the file is read
    async with read_form(request, TagFields) as (file, fields):
        if (file is None) == (fields.source is None):
            raise refusal(422, "The form must have either `file` or `source`. With curl: -F file=@song.mp3.")
        model = await services.models.get(fields.model)
        if file is None:
            source = await sources.get(fields.source)
        else:
            source = await sources.add_upload(file.file, file.filename or "", file.size or 0)

    def remove() -> None:
        if file is not None:
            sources.discard(source)

    options = TagOptions(fields.aggregate, fields.tail, fields.hop_seconds)
    try:
        job = start_tag_job(services, source, model, options)
    except BaseException:
        remove()
        raise
    job.task.add_done_callback(lambda _: remove())
    if EVENT_STREAM in request.headers.get("accept", ""):
        return StreamingResponse(own_events(job), media_type=EVENT_STREAM)
    await until_ended(job, request)
    if job.failure is not None:
        raise job.failure
    if job.state != "done":
        raise refusal(503, "The server is ending and cancelled this request. Try again in a moment.")
    result = {**job.result, "tags": job.result["tags"][: fields.top]}
    return JSONResponse({"model": model.name, "name": source.name, **result})


async def own_events(job: Job) -> AsyncIterator[str]:
    """The events of a job that is cancelled if nobody reads them any more."""
    try:
        async for text in event_texts(job):
            yield text
    finally:
        job.cancel()


async def event_texts(job: Job, after: int = -1) -> AsyncIterator[str]:
    """The events of a job as the text of server-sent events."""
    async for event in job.follow(after):
        yield ": the job is running\n\n" if event is None else event.as_text()


async def until_ended(job: Job, request: Request) -> None:
    """Waits until a job has ended, and cancels it if the client hangs up.

    Raises:
        HTTPException: 499 if the client has left.
    """
    with job.followed():
        hung_up = asyncio.create_task(wait_until_left(request))
        try:
            await asyncio.wait([job.task, hung_up], return_when=asyncio.FIRST_COMPLETED)
        finally:
            hung_up.cancel()
            job.cancel()  # unless it has ended
        await asyncio.wait([job.task])
        if hung_up.done() and not hung_up.cancelled() and job.state == "cancelled":
            raise left_error()

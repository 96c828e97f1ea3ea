"""Jobs: start one, follow its events, ask how far it is, cancel it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from keras_musictag.web.routes.tagging import EVENT_STREAM, Aggregate, Hop, Tail, event_texts
from keras_musictag.web.services import Shared
from keras_musictag.web.tagging import TagOptions, start_tag_job

router = APIRouter(prefix="/api/jobs", tags=["jobs"])


class TagJob(BaseModel):
    """A source to be tagged."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["tag"]
    source: str
    model: str | None = None
    aggregate: Aggregate = "mean"
    tail: Tail = "anchor"
    hop_seconds: Hop = None


class EvaluationJob(BaseModel):
    """A model to be evaluated on a part of prepared records."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["evaluate"]
    model: str
    records: str
    part: Literal["test", "valid", "train"] = "test"


@router.post("", status_code=202)
async def start(
    request: Annotated[TagJob | EvaluationJob, Field(discriminator="kind")], services: Shared
) -> dict[str, str]:
    """Starts a job. Its events are at `/api/jobs/ID/events`."""
    if request.kind == "evaluate":
        cards, chosen = services.models.cards, (request.model, request.records, request.part)
        return {"job": (await services.evaluations.start(services.jobs, cards, *chosen)).id}
    source, model = await services.sources.get(request.source), await services.models.get(request.model)
    await services.sources.probe(source)  # what is not audio is refused now
    options = TagOptions(request.aggregate, request.tail, request.hop_seconds)
    return {"job": start_tag_job(services, source, model, options).id}


@router.get("/{job_id}")
async def state(job_id: str, services: Shared) -> dict[str, Any]:
    """How far a job is, and its result."""
    return services.jobs.get(job_id).to_dict()


@router.get(
    "/{job_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {EVENT_STREAM: {}}, "description": "Server-sent events, up to the end of the job."}},
)
async def events(
    job_id: str, services: Shared, last_event_id: Annotated[int, Header(ge=-1, le=2**53)] = -1
) -> StreamingResponse:
    """The events of a job, from the beginning or after the one of `Last-Event-ID`."""
    return StreamingResponse(event_texts(services.jobs.get(job_id), last_event_id), media_type=EVENT_STREAM)


@router.delete("/{job_id}", status_code=204)
async def cancel(job_id: str, services: Shared) -> Response:
    """Cancels a job. One that has ended stays as it is."""
    services.jobs.get(job_id).cancel()
    return Response(status_code=204)

"""Whether the server lives, whether it takes work, and its numbers for Prometheus."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from keras_musictag.web.replies import refusal
from keras_musictag.web.services import Shared

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process lives and its event loop runs."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(services: Shared) -> dict[str, str]:
    """The server takes work: the first models are loaded, and it was not asked to end."""
    if services.jobs.is_ending:
        raise refusal(503, "The server is ending and takes no new work.")
    if not services.models.is_ready:
        raise refusal(503, "The first models are still being loaded.")
    return {"status": "ready"}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(services: Shared) -> Response:
    """Numbers in Prometheus's text format: requests, latency, queue, batches, models, uploads, memory."""
    return Response(services.monitor.exposition(), media_type=CONTENT_TYPE_LATEST)

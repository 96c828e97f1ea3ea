"""Sources: demo clips, uploads, tracks of the library; their outline and their sound."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict

from keras_musictag.errors import AudioError
from keras_musictag.web.forms import form_schema, read_form
from keras_musictag.web.replies import refusal
from keras_musictag.web.services import Shared
from keras_musictag.web.sound import growing_file, media_type

PREVIEW_WAIT_SECONDS = 2.0  # a short preview is soon whole, and can then be sent with ranges

router = APIRouter(prefix="/api/sources", tags=["sources"])


class NoFields(BaseModel):
    model_config = ConfigDict(extra="forbid")


@router.get("")
async def list_demos(services: Shared) -> dict[str, Any]:
    """Lists the demo clips, and the limits of uploads."""
    settings = services.settings
    limits = {"upload_bytes": settings.max_upload_bytes, "seconds": settings.max_audio_seconds}
    return {"demos": await services.sources.demos(), "limits": limits}


@router.post("", status_code=201, openapi_extra=form_schema(NoFields, file_required=True))
async def upload(request: Request, services: Shared) -> dict[str, Any]:
    """Takes a music file for some time. What it is, is decided by its content."""
    async with read_form(request, NoFields) as (file, _):
        if file is None:
            raise refusal(422, "`file` is missing. With curl: -F file=@song.mp3.")
        source = await services.sources.add_upload(file.file, file.filename or "", file.size or 0)
    try:
        facts = await services.sources.probe(source)
    except BaseException:
        services.sources.discard(source)
        raise
    return {
        "source": source.id,
        "name": source.name,
        "seconds": facts.seconds,
        "bytes": source.bytes,
        "kind": facts.container.partition(",")[0],
    }


@router.get("/{source_id}")
async def describe(source_id: str, services: Shared) -> dict[str, Any]:
    """What a source is. Its duration is a guess, and notes are missing, until its peaks were asked for."""
    source = await services.sources.get(source_id)
    facts = await services.sources.probe(source)
    return {
        "source": source.id,
        "name": source.name,
        "seconds": facts.seconds if source.outline is None else source.outline.seconds,
        "sample_rate": facts.sample_rate_hz,
        "channels": facts.channels,
        "notes": [] if source.outline is None else list(source.outline.notes),
        "playable": media_type(facts) is not None,
    }


@router.delete("/{source_id}", status_code=204)
async def forget(source_id: str, services: Shared) -> Response:
    """Removes an upload."""
    services.sources.remove(source_id)
    return Response(status_code=204)


@router.get("/{source_id}/peaks")
async def peaks(
    source_id: str, services: Shared, points: Annotated[int, Query(ge=1, le=16384)] = 2000
) -> dict[str, Any]:
    """The outline of a source: the lowest and highest sample of each of `points` equal parts, from -1 to 1."""
    return await services.sound.peaks(await services.sources.get(source_id), points)


@router.get(
    "/{source_id}/sound",
    response_class=Response,
    responses={200: {"content": {"audio/*": {}}, "description": "The file, or a copy as MP3 (mono, 128 kbit/s)."}},
)
async def sound(source_id: str, services: Shared) -> Response:
    """The sound of a source: the file itself if browsers play it, with ranges; else a copy as MP3."""
    source = await services.sources.get(source_id)
    kind = media_type(await services.sources.probe(source))
    if kind is not None:
        if not source.path.is_file():
            raise AudioError("The file no longer exists.")
        return FileResponse(source.path, media_type=kind)
    path, writing = await services.sound.preview(source)
    await asyncio.wait([writing], timeout=PREVIEW_WAIT_SECONDS)
    if writing.cancelled():
        raise AudioError("The file was removed.")
    if writing.done():
        await writing  # raises its error
        return FileResponse(path, media_type="audio/mpeg")
    return StreamingResponse(growing_file(path, writing), media_type="audio/mpeg")

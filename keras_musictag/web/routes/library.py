"""The music library: what it holds, its tracks, and a search by words and by example."""

import asyncio
import re
from typing import Annotated, Any

from fastapi import APIRouter, Path as PathValue, Query, Request

from keras_musictag.web.client_left import unless_client_leaves
from keras_musictag.web.examples import embed_source
from keras_musictag.web.services import Shared

MAX_ROW = 10**6
router = APIRouter(prefix="/api/library", tags=["library"])


@router.get("")
def show_library(services: Shared) -> dict[str, Any]:
    """What the library holds: numbers of tracks and files, and the models whose scores are stored."""
    return services.library.summary()


@router.get("/search")
async def search(
    request: Request,
    services: Shared,
    q: Annotated[str | None, Query(max_length=500)] = None,
    like: Annotated[str | None, Query(max_length=100)] = None,
    model: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    offset: Annotated[int, Query(ge=0, le=MAX_ROW)] = 0,
) -> dict[str, Any]:
    """Finds tracks by words (`q`), by the source that they should resemble (`like`), or by both.

    The score of a match is how well the words hold, from 0 to 1; with `like`, it is the cosine of the embeddings, and
    the words only select.
    """
    library, track, example = services.library, None, None
    if like is not None:
        if number := re.fullmatch(r"track:(\d{1,18})", like):
            track = int(number[1])
        else:
            stored = await asyncio.to_thread(library.find_model, model)
            source = await services.sources.get(like)
            example = stored, await unless_client_leaves(request, embed_source(services, source, stored))
    words = q if q is None or q.strip() or like is None else None
    return await asyncio.to_thread(library.search, words, track, example, model, limit, offset)


@router.get("/tracks/{number}")
def show_track(number: Annotated[int, PathValue(ge=0, le=2**63 - 1)], services: Shared) -> dict[str, Any]:
    """A track with its scores by each model, the highest ones first."""
    return services.library.track(number)

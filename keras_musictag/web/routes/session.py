"""The session: a browser exchanges the token for a cookie that scripts cannot read."""

from fastapi import APIRouter, Response

from keras_musictag.web.security import cookie_name, cookie_value
from keras_musictag.web.services import Shared

router = APIRouter(prefix="/api", tags=["session"])


@router.post("/session", status_code=204)
async def begin_session(services: Shared) -> Response:
    """Sets a cookie for requests without the header `Authorization: Bearer TOKEN`, with which this one must come."""
    reply, settings = Response(status_code=204), services.settings
    if settings.token is not None:
        reply.set_cookie(
            cookie_name(settings), cookie_value(settings.token), path="/", httponly=True, samesite="strict"
        )
    return reply


@router.delete("/session", status_code=204)
async def end_session(services: Shared) -> Response:
    """Removes the cookie."""
    reply = Response(status_code=204)
    reply.delete_cookie(cookie_name(services.settings), path="/", httponly=True, samesite="strict")
    return reply

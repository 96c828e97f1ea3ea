"""Errors as replies: every one is `{"error": "One sentence."}` with its status."""

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect

from keras_musictag.errors import AudioError, MusicTagError, UnknownNameError
from keras_musictag.web.batching import QueueFullError
from keras_musictag.web.decoding import DecoderLostError
from keras_musictag.web.served_models import ModelLoadError

ERROR_SCHEMA = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
# the statuses that any route may answer with, for the OpenAPI document
ERRORS = {
    400: "The request is invalid.",
    401: "The token is missing or wrong.",
    403: "The request comes from another web page.",
    404: "There is nothing of this name.",
    413: "The body is too large.",
    415: "The file is not audio that can be used.",
    422: "A value is invalid.",
    429: "The server is busy; `Retry-After` says when to try again.",
    503: "The server is ending, or cannot load the model or decode at the moment.",
}
ERROR_RESPONSES = {
    status: {"description": text, "content": {"application/json": {"schema": ERROR_SCHEMA}}}
    for status, text in ERRORS.items()
}
RETRY_SECONDS = 2
CLIENT_LEFT = 499  # the status that nginx logs for it; nobody receives it


def refusal(status: int, sentence: str, headers: dict[str, str] | None = None) -> HTTPException:
    """An error to raise in a route.

    Args:
        status: The HTTP status.
        sentence: One sentence for a user.
        headers: Further headers of the reply.
    """
    return HTTPException(status, sentence, headers)


def busy(sentence: str, seconds: int = RETRY_SECONDS) -> HTTPException:
    """The error of a server that has too much to do: 429 with `Retry-After`, in seconds."""
    return refusal(429, sentence, {"Retry-After": str(seconds)})


def left_error() -> HTTPException:
    """The error of a request whose client has left, which nobody receives."""
    return refusal(CLIENT_LEFT, "The client has left.")


def error_reply(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The reply of an error."""
    return JSONResponse({"error": sentence}, status, headers)


def add_error_replies(app: FastAPI) -> None:
    """Makes every expected error of an application a reply in the one form; `security` answers the others."""

    async def of_http(request: Request, error: StarletteHTTPException) -> JSONResponse:
        return error_reply(error.status_code, _sentence(str(error.detail)), error.headers)

    async def of_validation(request: Request, error: RequestValidationError) -> JSONResponse:
        return error_reply(422, _describe(error))

    async def of_package(request: Request, error: MusicTagError) -> JSONResponse:
        if isinstance(error, QueueFullError):
            error = busy(str(error), error.retry_after_seconds)
            return error_reply(error.status_code, error.detail, error.headers)
        return error_reply(status_of(error), str(error))

    async def of_left(request: Request, error: ClientDisconnect) -> JSONResponse:
        return await of_http(request, left_error())

    app.add_exception_handler(StarletteHTTPException, of_http)
    app.add_exception_handler(ClientDisconnect, of_left)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(MusicTagError, of_package)


def status_of(error: MusicTagError) -> int:
    """The HTTP status of one of the package's errors."""
    if isinstance(error, AudioError):
        return 415
    if isinstance(error, (ModelLoadError, DecoderLostError)):
        return 503
    return 404 if isinstance(error, UnknownNameError) else 400


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _describe(error: RequestValidationError) -> str:
    """The first thing that is wrong with a request, in a sentence."""
    first, *_ = error.errors()
    where = ".".join(str(part) for part in first["loc"][1:]) or "The body"
    name = f"`{where}`" if where != "The body" else where
    if first["type"] == "missing":
        return f"{name} is missing."
    received = repr(first.get("input"))
    return f"{name}: {first['msg']}. Received: {received if len(received) <= 100 else received[:100] + '...'}."

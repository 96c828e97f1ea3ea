"""Forms with a file: read with limits on their parts, and checked against a model of their fields."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from fastapi import Request, UploadFile
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile as StarletteUploadFile

from keras_musictag.web.replies import refusal

MAX_FIELDS = 16
MAX_FIELD_BYTES = 4096

Fields = TypeVar("Fields", bound=BaseModel)


@asynccontextmanager
async def read_form(request: Request, fields: type[Fields]) -> AsyncIterator[tuple[UploadFile | None, Fields]]:
    """Reads a form. Its file is removed when the `with` block ends, and if the client hangs up.

    Args:
        request: The request, whose body has not been read.
        fields: The model of the fields other than `file`.

    Yields:
        The file, None if there is none, and the checked fields.

    Raises:
        HTTPException: 415 if the body is not a form, 400 if it is damaged or has too many parts.
        RequestValidationError: If a field is invalid.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        raise refusal(415, f"The body must be a form (multipart/form-data). Received: {kind or 'no content type'}.")
    async with request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES) as form:
        file = form.get("file")
        if file is not None and not isinstance(file, StarletteUploadFile):
            raise refusal(422, "`file` must be a file, not text. With curl: -F file=@song.mp3.")
        values = {name: value for name, value in form.multi_items() if name != "file"}
        try:
            checked = fields.model_validate(values)
        except ValidationError as error:
            raise RequestValidationError([{**each, "loc": ("form", *each["loc"])} for each in error.errors()]) from None
        yield file, checked


def form_schema(fields: type[BaseModel], file_required: bool) -> dict:
    """What a route that reads a form tells in the OpenAPI document: its `openapi_extra`.

    Args:
        fields: The model of the fields other than `file`.
        file_required: Whether `file` is required.
    """
    schema = fields.model_json_schema()
    schema["properties"] = {"file": {"type": "string", "format": "binary"}, **schema.get("properties", {})}
    schema["required"] = [*(["file"] if file_required else []), *schema.get("required", [])]
    if not schema["required"]:
        del schema["required"]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}

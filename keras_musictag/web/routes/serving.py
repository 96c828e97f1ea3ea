"""TensorFlow Serving's REST paths: its clients work unchanged. The signatures are those of an exported SavedModel.

Every model has one version, 1. Its state is always AVAILABLE: a model that is not loaded yet is loaded by the request.
"""

import asyncio
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Request, Response

from keras_musictag.audio.chunking import cut
from keras_musictag.audio.samples import MAX_PEAK, as_mono
from keras_musictag.errors import AudioError
from keras_musictag.library.network_batches import batch_chunks
from keras_musictag.tags.aggregation import aggregate_scores
from keras_musictag.tags.vocabulary import Vocabulary
from keras_musictag.web.client_left import unless_client_leaves
from keras_musictag.web.replies import refusal
from keras_musictag.web.served_models import ServedModel
from keras_musictag.web.services import Shared
from keras_musictag.web.serving_json import (
    PredictRequest,
    RequestError,
    read_request,
    to_bytes,
    to_numbers,
    value_of,
    write_answer,
)
from keras_musictag.web.serving_signatures import metadata, signatures
from keras_musictag.web.serving_wav import read_wav

VERSION = 1
router = APIRouter(prefix="/v1/models", tags=["TensorFlow Serving"])

Name = Annotated[str, Path(description="Name of a model, such as musicnn-mtat-v1.")]
Version = Annotated[int, Path(description="Always 1.")]
EXAMPLE = {"signature_name": "tags", "inputs": {"group": ""}}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "signature_name": {"type": "string", "default": "serving_default"},
                        "instances": {"type": "array", "description": "One value per row.", "items": {}},
                        "inputs": {"description": "All rows in one value; instead of `instances`."},
                    },
                },
                "example": EXAMPLE,
            }
        },
    }
}


@router.get("/{name}")
async def model_status(name: Name, services: Shared) -> dict[str, Any]:
    """The model's versions and their state."""
    services.models.card(name)
    status = {"error_code": "OK", "error_message": ""}
    return {"model_version_status": [{"version": str(VERSION), "state": "AVAILABLE", "status": status}]}


@router.get("/{name}/versions/{version}")
async def version_status(name: Name, version: Version, services: Shared) -> dict[str, Any]:
    """The state of one version of the model."""
    _check_version(name, version)
    return await model_status(name, services)


@router.get("/{name}/metadata")
async def model_metadata(name: Name, services: Shared) -> dict[str, Any]:
    """The model's signatures: their inputs and outputs, with types and shapes. Loads the model if necessary."""
    model = await services.models.get(name)
    return metadata(name, signatures(model.chunking, len(model.vocabulary), await model.count_features()))


@router.get("/{name}/versions/{version}/metadata")
async def version_metadata(name: Name, version: Version, services: Shared) -> dict[str, Any]:
    """The signatures of one version of the model."""
    _check_version(name, version)
    return await model_metadata(name, services)


@router.post("/{name}:predict", openapi_extra=BODY)
async def predict(name: Name, request: Request, services: Shared) -> Response:
    """Runs a signature on rows (`instances`) or columns (`inputs`)."""
    services.models.card(name)  # before the body is read
    body = await request.body()

    async def work() -> str:
        return await answer(await services.models.get(name), body)

    return Response(await unless_client_leaves(request, work()), media_type="application/json")


@router.post("/{name}/versions/{version}:predict", openapi_extra=BODY)
async def predict_with_version(name: Name, version: Version, request: Request, services: Shared) -> Response:
    """Runs a signature of one version of the model."""
    _check_version(name, version)
    return await predict(name, request, services)


def _check_version(name: str, version: int) -> None:
    if version != VERSION:
        raise refusal(404, f"Servable not found for request: Specific({name}, {version}). The only version is 1.")


async def answer(model: ServedModel, body: bytes) -> str:
    """The answer to the body of a `:predict` request, as JSON.

    Raises:
        HTTPException: 400 if the request is invalid.
        QueueFullError: If too many chunks wait for the model.
    """
    try:
        asked = await asyncio.to_thread(read_request, body)
        if asked.signature not in SIGNATURES:
            known = ", ".join(SIGNATURES)
            raise RequestError(f'Serving signature key "{asked.signature}" not found. The model has: {known}.')
        outputs = await SIGNATURES[asked.signature](model, asked)
        return await asyncio.to_thread(write_answer, outputs, asked.by_row)
    except (RequestError, AudioError) as error:
        raise refusal(400, str(error)) from None


async def _serving_default(model: ServedModel, asked: PredictRequest) -> dict[str, Any]:
    return {"scores": await _run_valid(model, asked, model.run)}


async def _embed(model: ServedModel, asked: PredictRequest) -> dict[str, Any]:
    return {"embedding": await _run_valid(model, asked, model.embed)}


async def _run_valid(model: ServedModel, asked: PredictRequest, run) -> np.ndarray:
    """Runs the chunks; the result of one that is not audio is NaN, as in the exported graph."""
    size, rate_hz = model.chunking.chunk_samples, model.chunking.sample_rate_hz
    expected = f"`waveform` must have shape (batch, {size}): cut a mono track at {rate_hz} Hz into chunks."
    value = value_of(asked, "waveform")
    chunks = await asyncio.to_thread(to_numbers, value, "waveform", expected, rank=2, columns=size)
    with np.errstate(invalid="ignore"):
        valid = np.abs(chunks).max(axis=1) <= MAX_PEAK  # False for NaN
    outputs = await run(np.where(valid[:, None], chunks, 0))
    return np.where(valid[:, None], outputs, np.float32(np.nan))


async def _wav_bytes(model: ServedModel, asked: PredictRequest) -> dict[str, Any]:
    values = value_of(asked, "wav_bytes")
    if not isinstance(values, list) or not values:
        raise RequestError("`wav_bytes` must have shape (batch,): a list of WAV files.")
    scores = []
    for index, value in enumerate(values):
        try:
            waveform = await asyncio.to_thread(read_wav, to_bytes(value, "wav_bytes"), model.chunking.sample_rate_hz)
        except RequestError as error:
            raise RequestError(f"File {index}: {error}") from None
        found, _ = await _run_track(model, waveform, admitted=index > 0)
        scores.append(aggregate_scores(found, "mean"))
    return {"scores": np.stack(scores)}


async def _taggram(model: ServedModel, asked: PredictRequest) -> dict[str, Any]:
    rate_hz = model.chunking.sample_rate_hz
    expected = f"`waveform` must have shape (samples,): one track, mono, at {rate_hz} Hz."
    value = value_of(asked, "waveform")
    waveform = await asyncio.to_thread(to_numbers, value, "waveform", expected, rank=1)
    scores, spans = await _run_track(model, as_mono(waveform, rate_hz))
    return {"scores": scores, "start_seconds": spans[:, 0], "end_seconds": spans[:, 1]}


async def _run_track(model: ServedModel, waveform: np.ndarray, admitted: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Scores a track, one batch after another.

    Args:
        model: The model.
        waveform: Float32 (samples,), mono, at the model's sample rate.
        admitted: Whether even its first batch cannot be refused.

    Returns:
        `(scores, spans)`: float32 (chunks, tags), and float64 (chunks, 2) of start and end seconds.
    """
    pieces = [*cut([waveform], model.chunking)]
    size, scores = batch_chunks(model.chunking), []
    for first in range(0, len(pieces), size):
        chunks = np.stack([samples for _, samples in pieces[first : first + size]])
        scores.append(await model.run(chunks, admitted or first > 0))
    spans = [model.chunking.span_seconds(start, len(waveform)) for start, _ in pieces]
    return np.concatenate(scores), np.array(spans)


async def _tags(model: ServedModel, asked: PredictRequest) -> dict[str, Any]:
    group = value_of(asked, "group")
    if asked.by_row and len(group) == 1:
        (group,) = group
    if not isinstance(group, str):
        raise RequestError('`group` must be one string: a group of tags, or "" for all tags.')
    return tags_of(model.vocabulary, group)


def tags_of(vocabulary: Vocabulary, group: str) -> dict[str, Any]:
    """All tags for "", or those of a group, with their groups and their positions.

    Raises:
        RequestError: If there is no such group.

    Example:
        >>> tags_of(Vocabulary(("rock", "sad"), ("genre", "mood")), "mood")
        {'tags': ['sad'], 'groups': ['mood'], 'indices': [1]}
    """
    if group and group not in vocabulary.groups:
        known = ", ".join(dict.fromkeys(vocabulary.groups))
        raise RequestError(f"Unknown group of tags. Known groups: {known}. Received: {group!r}.")
    indices = [i for i, of_tag in enumerate(vocabulary.groups) if group in ("", of_tag)]
    return {
        "tags": [vocabulary.names[i] for i in indices],
        "groups": [vocabulary.groups[i] for i in indices],
        "indices": indices,
    }


SIGNATURES = {
    "serving_default": _serving_default,
    "embed": _embed,
    "wav_bytes": _wav_bytes,
    "taggram": _taggram,
    "tags": _tags,
}

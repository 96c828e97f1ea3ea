"""The models that can be chosen, with their tags, thresholds and metrics."""

import dataclasses
from typing import Any

from fastapi import APIRouter

from keras_musictag.audio.chunking import Chunking
from keras_musictag.tags.vocabulary import Vocabulary
from keras_musictag.web.served_models import card_thresholds
from keras_musictag.web.services import Shared
from keras_musictag.zoo.card import Card

router = APIRouter(prefix="/api", tags=["models"])


@router.get("/models")
async def list_models(services: Shared) -> dict[str, Any]:
    """Lists the models that can be chosen."""
    models = services.models
    rows = [{**model_row(card), "loaded": models.is_loaded(card.name)} for card in models.cards.values()]
    return {"default": models.default, "models": rows}


def model_row(card: Card) -> dict[str, Any]:
    """What the page shows of a model, as plain data."""
    vocabulary, thresholds = Vocabulary.of(card.model["tags"]), card_thresholds(card)
    chunking = Chunking(**card.model["chunking"])
    return {
        "name": card.name,
        "summary": card.summary,
        "architecture": card.architecture,
        "dataset": card.trained_on.dataset,
        "parameters": card.weights.parameters,
        "sample_rate": chunking.sample_rate_hz,
        "chunk_seconds": chunking.chunk_samples / chunking.sample_rate_hz,
        "licence": card.licences.weights,
        "tags": [
            {"tag": tag, "group": group, "threshold": thresholds.values.get(tag)}
            for tag, group in zip(vocabulary.names, vocabulary.groups, strict=True)
        ],
        "thresholds": None if thresholds.origin == "none" else thresholds.origin,
        "metrics": [dataclasses.asdict(metric) for metric in card.metrics],
    }

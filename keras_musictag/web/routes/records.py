"""Prepared records on which models can be evaluated."""

from typing import Any

from fastapi import APIRouter

from keras_musictag.web.services import Shared

router = APIRouter(prefix="/api", tags=["evaluation"])


@router.get("/records")
def list_records(services: Shared) -> list[dict[str, Any]]:
    """Lists the folders of records, with the models that have the same tags. A damaged folder has an `error`."""
    return services.evaluations.rows(services.models.cards)

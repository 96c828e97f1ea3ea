"""Embeds a source as a scan does, to find tracks of the library that resemble it.

The file is decoded in a process of its own, and its chunks share the batches of the model with those of all clients.
"""

from contextlib import aclosing

import numpy as np

from keras_musictag.library.database import StoredModel
from keras_musictag.web.decoding import Chunks, Cut, Restarted
from keras_musictag.web.replies import refusal
from keras_musictag.web.served_models import ServedModel
from keras_musictag.web.services import Services
from keras_musictag.web.sources import Source

MAX_KEPT = 64  # embeddings, for further pages of results


async def embed_source(services: Services, source: Source, stored: StoredModel) -> np.ndarray:
    """The embedding of a source by a model of the library, float32 (features,).

    Raises:
        HTTPException: 400 if the server does not offer the model with the same weights; 422 if the track is too long.
        QueueFullError: If the model has too much to do.
        AudioError: If the source cannot be used as audio.
    """
    kept, key = services.library.examples, (source.id, stored.name, stored.weights_sha256)
    if key not in kept:
        kept[key] = await _embed(services, source, await _served_model(services, stored))
        for old in list(kept)[:-MAX_KEPT]:
            del kept[old]
    return kept[key]


async def _served_model(services: Services, stored: StoredModel) -> ServedModel:
    card = services.models.cards.get(stored.name)
    if card is None or stored.weights_sha256 != (card.weights.sha256 or card.weights.git_blob_sha1):
        raise refusal(
            400,
            f"A file can be compared with this library only by the model {stored.name!r} with the weights of the scan, "
            "which this server does not offer. Choose another model of the library, or a track of it.",
        )
    return await services.models.get(stored.name)


async def _embed(services: Services, source: Source, model: ServedModel) -> np.ndarray:
    settings = services.settings
    request = Cut(str(source.path), model.chunking, "anchor", settings.max_audio_seconds)
    total, count = 0.0, 0
    async with aclosing(services.decoders.answers(request, aside=True)) as messages:
        async for message in messages:
            if isinstance(message, Restarted):
                total, count = 0.0, 0
            elif isinstance(message, Chunks):
                if count + len(message.samples) > settings.max_chunks_per_track:
                    raise refusal(422, f"{source.name!r} is too long to be compared. Choose a shorter track.")
                embeddings = await model.embed(message.samples, admitted=count > 0)
                total = total + embeddings.astype(np.float64).sum(axis=0)
                count += len(embeddings)
    return (total / count).astype(np.float32)

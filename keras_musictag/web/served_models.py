"""The models that a server offers: each is loaded once, when it is first used."""

import asyncio
from dataclasses import dataclass, field

import numpy as np

from keras_musictag.audio.chunking import Chunking
from keras_musictag.errors import MusicTagError, UnknownNameError
from keras_musictag.library.database import StoredModel
from keras_musictag.library.presence import PresenceThresholds, presence_thresholds
from keras_musictag.tagger.tagging import Tagging
from keras_musictag.tags.vocabulary import Vocabulary
from keras_musictag.web.settings import ServerSettings
from keras_musictag.zoo.card import Card
from keras_musictag.zoo.catalog import cards
from keras_musictag.zoo.fetching import is_fetched
from keras_musictag.zoo.loading import load

FIRST_CHOICE = "musicnn-mtat-v1"


@dataclass(eq=False)
class ServedModel:
    """A loaded model.

    Attributes:
        card: The card of its zoo entry.
        tagger: A `Tagger` or an `EngineTagger`.
        thresholds: The scores from which on its tags are present.
    """

    card: Card
    tagger: Tagging = field(repr=False)
    thresholds: PresenceThresholds = field(repr=False)

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def vocabulary(self) -> Vocabulary:
        return self.tagger.vocabulary

    @property
    def chunking(self) -> Chunking:
        return self.tagger.chunking

    @property
    def parameters(self) -> int:
        return self.card.weights.parameters

    async def run(self, chunks: np.ndarray) -> np.ndarray:
        """Scores chunks.

        Args:
            chunks: Float32 (chunks, chunk_samples).

        Returns:
            Float32 (chunks, tags).

        Raises:
            HTTPException: 429 if too many chunks wait for the model.
        """
        return await asyncio.to_thread(self.tagger._run_for_scores(), chunks)


class ModelPool:
    """The models of a server, by the names of their zoo entries.

    Args:
        settings: The server's settings.

    Raises:
        UnknownNameError: If the settings name a model that does not exist.

    Attributes:
        cards: The card of each model that can be chosen, the default one first.
    """

    def __init__(self, settings: ServerSettings):
        self._engine = settings.engine
        self.cards = _offered(settings.models)
        self._to_preload = settings.models or (self.default,)
        self._loaded: dict[str, ServedModel] = {}
        self._loading = asyncio.Lock()

    @property
    def default(self) -> str:
        """Name of the default model."""
        return next(iter(self.cards))

    def is_loaded(self, name: str) -> bool:
        """Whether a model is in memory."""
        return name in self._loaded

    async def get(self, name: str | None = None) -> ServedModel:
        """A model by its name, loaded if necessary; None for the default one.

        Raises:
            UnknownNameError: If the server does not offer it.
        """
        name = name or self.default
        if name not in self.cards:
            raise UnknownNameError.of("model", name, self.cards)
        async with self._loading:
            if name not in self._loaded:
                self._loaded[name] = await asyncio.to_thread(self._load, self.cards[name])
        return self._loaded[name]

    def _load(self, card: Card) -> ServedModel:
        return ServedModel(card, load(card.name, engine=self._engine), card_thresholds(card))

    async def start(self) -> None:
        """Loads the models that must be ready at the start."""
        for name in self._to_preload:
            await self.get(name)

    async def close(self) -> None:
        """Drops all models."""
        self._loaded.clear()


def card_thresholds(card: Card) -> PresenceThresholds:
    """The thresholds of a zoo entry: its card's, else the estimated ones, else none."""
    weights_sha256 = card.weights.sha256 or card.weights.git_blob_sha1
    return presence_thresholds(StoredModel(0, card.name, weights_sha256, Vocabulary.of(card.model["tags"]), 0))


def _offered(names: tuple[str, ...]) -> dict[str, Card]:
    """The cards of the models that can be chosen, the default one first."""
    known = {card.name: card for card in cards()}
    for name in names:
        if name not in known:
            raise UnknownNameError.of("model", name, known)
    if not names:
        local = [name for name, card in known.items() if card.weights.file is not None or is_fetched(card)]
        if not local:
            raise MusicTagError("There are no models whose weights are on this machine. Name one with `--model`.")
        names = sorted(local, key=lambda name: name != FIRST_CHOICE)
    return {name: known[name] for name in names}

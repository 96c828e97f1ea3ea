"""The models that a server offers: each is loaded once, when it is first used, and dropped if memory runs short."""

import asyncio
import gc
import logging
import mmap
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from keras_musictag.audio.chunking import Chunking
from keras_musictag.errors import MusicTagError, UnknownNameError
from keras_musictag.library.database import StoredModel
from keras_musictag.library.network_batches import batch_chunks
from keras_musictag.library.presence import PresenceThresholds, presence_thresholds
from keras_musictag.tagger.tagging import Tagging
from keras_musictag.tagger.track import RunBatch
from keras_musictag.tags.vocabulary import Vocabulary
from keras_musictag.web.batching import Batcher
from keras_musictag.web.settings import ServerSettings
from keras_musictag.zoo.card import Card
from keras_musictag.zoo.catalog import cards
from keras_musictag.zoo.fetching import is_fetched
from keras_musictag.zoo.loading import load

FIRST_CHOICE = "musicnn-mtat-v1"

log = logging.getLogger(__name__)


class ModelLoadError(MusicTagError):
    """A model that the server offers but cannot load."""


@dataclass(eq=False)
class ServedModel:
    """A loaded model, whose batches join the chunks of all clients.

    Attributes:
        card: The card of its zoo entry.
        tagger: A `Tagger` or an `EngineTagger`.
        thresholds: The scores from which on its tags are present.
        batcher: Its queue and its thread.
        memory_bytes: What this process grew by when it was loaded and ran a full batch, or the size of the weights.
    """

    card: Card
    tagger: Tagging = field(repr=False)
    thresholds: PresenceThresholds = field(repr=False)
    batcher: Batcher = field(repr=False)
    memory_bytes: int = 0

    def __post_init__(self):
        self._score, self._embed = self.tagger._run_for_scores(), _embedder(self.tagger)
        self._features: int | None = None
        # not when the pool drops the model: a job that still holds it can go on to the job's end
        weakref.finalize(self, self.batcher.close)

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

    async def run(self, chunks: np.ndarray, admitted: bool = False) -> np.ndarray:
        """Scores chunks, in batches with those of other clients. If the caller is cancelled, so is what still waits.

        Args:
            chunks: Float32 (chunks, chunk_samples), at least one.
            admitted: True for the second and later parts of a track: they are not refused.

        Returns:
            Float32 (chunks, tags).

        Raises:
            QueueFullError: If too many chunks wait for the model, which becomes the status 429 with `Retry-After`.
            TooManyChunksError: If there are more chunks than may ever wait.
        """
        return await self.batcher.run(self._score, chunks, admitted)

    async def embed(self, chunks: np.ndarray, admitted: bool = False) -> np.ndarray:
        """The embedding of chunks, float32 (chunks, features). Arguments and errors as in `run`."""
        return await self.batcher.run(self._embed, chunks, admitted)

    async def count_features(self) -> int:
        """Length of the embedding of a chunk, found by running one."""
        if self._features is None:
            silence = np.zeros((1, self.chunking.chunk_samples), np.float32)
            self._features = (await self.embed(silence, admitted=True)).shape[1]
        return self._features


def resident_bytes() -> int:
    """Memory of this process that is in use; 0 where the system does not tell (it is read from Linux's /proc)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * mmap.PAGESIZE
    except OSError:
        return 0


def _embedder(tagger: Tagging) -> RunBatch:
    """A function from chunks to their embedding. Most models never need it, so it is compiled when it is first used."""
    return lambda batch: tagger._run_for_layer(None)(batch)


class ModelPool:
    """The models of a server, by the names of their zoo entries.

    Args:
        settings: The server's settings.
        on_batch: Called with the name of a model and the number of chunks of each batch, in the model's thread.

    Raises:
        UnknownNameError: If the settings name a model that does not exist.

    Attributes:
        cards: The card of each model that can be chosen, the default one first.
        is_ready: Whether the models that must be ready at the start are loaded.
    """

    def __init__(self, settings: ServerSettings, on_batch: Callable[[str, int], None] = lambda name, chunks: None):
        self._settings, self._on_batch = settings, on_batch
        self.cards = _offered(settings.models)
        self.is_ready = False
        self._models: dict[str, asyncio.Task[ServedModel]] = {}  # loaded or being loaded; the last used one is last
        self._loader = ThreadPoolExecutor(1, "loader")  # one model at a time

    @property
    def default(self) -> str:
        """Name of the default model."""
        return next(iter(self.cards))

    @property
    def loaded(self) -> list[ServedModel]:
        """The models in memory, that used last at the end."""
        tasks = self._models.values()
        return [task.result() for task in tasks if task.done() and not task.cancelled() and not task.exception()]

    @property
    def queued(self) -> int:
        """Number of chunks that wait, for all models."""
        return sum(model.batcher.queued for model in self.loaded)

    def is_loaded(self, name: str) -> bool:
        """Whether a model is in memory."""
        return any(model.name == name for model in self.loaded)

    def card(self, name: str | None = None) -> Card:
        """The card of a model; None for the default one.

        Raises:
            UnknownNameError: If the server does not offer it.
        """
        name = name or self.default
        if name not in self.cards:
            raise UnknownNameError.of("model", name, self.cards)
        return self.cards[name]

    async def get(self, name: str | None = None) -> ServedModel:
        """A model by its name, loaded if necessary: once, however many ask for it. None for the default one.

        Raises:
            UnknownNameError: If the server does not offer it.
            ModelLoadError: If it cannot be loaded.
        """
        card = self.card(name)
        task = self._models.pop(card.name, None)
        if task is None:
            task = asyncio.create_task(self._load(card))
        self._models[card.name] = task
        return await asyncio.shield(task)  # a client that leaves does not stop the loading for the others

    async def _load(self, card: Card) -> ServedModel:
        try:
            model = await asyncio.get_running_loop().run_in_executor(self._loader, self._load_now, card)
        except BaseException as error:
            self._models.pop(card.name, None)  # the next client tries again
            if isinstance(error, MusicTagError):
                raise ModelLoadError(f"The model {card.name!r} could not be loaded. {error}") from error
            raise
        self._drop_unused(model)
        return model

    def _load_now(self, card: Card) -> ServedModel:
        gc.collect()  # models that were dropped; Keras's have cycles
        engine, size = self._settings.engine, batch_chunks(Chunking(**card.model["chunking"]))
        if engine in (None, "keras", "savedmodel"):
            import tensorflow  # noqa: F401 - no part of the model's memory
        before = resident_bytes()
        tagger = load(card.name, engine=engine)
        # runs of new sizes take longer and more memory
        for chunks in (1, size):
            tagger._run_for_scores()(np.zeros((chunks, tagger.chunking.chunk_samples), np.float32))
        weights = 4 * card.weights.parameters
        memory = max(resident_bytes() - before, weights)
        batcher = Batcher(
            size, self._settings.max_queued_chunks, on_batch=lambda chunks: self._on_batch(card.name, chunks)
        )
        return ServedModel(card, tagger, card_thresholds(card), batcher, memory)

    def _drop_unused(self, new: ServedModel) -> None:
        """Drops models if they take too much memory: those used longest ago first, but none that has work."""
        excess = sum(model.memory_bytes for model in {*self.loaded, new}) - self._settings.max_memory_bytes
        for model in self.loaded:
            if excess > 0 and model.batcher.is_idle and model is not new:
                excess -= model.memory_bytes
                del self._models[model.name]
                log.info("%s was dropped to make room for %s.", model.name, new.name)

    async def start(self) -> None:
        """Loads the models that must be ready at the start."""
        for name in self._settings.models or (self.default,):
            await self.get(name)
        self.is_ready = True

    async def close(self) -> None:
        """Ends the models' threads."""
        for model in self.loaded:
            model.batcher.close()
        self._models.clear()
        self._loader.shutdown(wait=False, cancel_futures=True)


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

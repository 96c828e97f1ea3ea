"""What a page needs to show and play a source: its outline, and a file that browsers can play."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag.web.decoding import PREVIEW_KBIT, AudioFacts, Decoders, Peaks, Preview, lows_and_highs
from keras_musictag.web.settings import ServerSettings
from keras_musictag.web.sources import Source, Sources

# container -> (its media type, the codecs that browsers play in it)
PLAYABLE = {
    "mp3": ("audio/mpeg", {"mp3"}),
    "wav": ("audio/wav", {"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_f32le"}),
    "flac": ("audio/flac", {"flac"}),
    "ogg": ("audio/ogg", {"vorbis", "opus", "flac"}),
    "mov,mp4,m4a,3gp,3g2,mj2": ("audio/mp4", {"aac", "mp3"}),
    "matroska,webm": ("audio/webm", {"vorbis", "opus"}),
    "aac": ("audio/aac", {"aac"}),
}
READ_BYTES = 2**16
PREVIEW_BYTES_PER_SECOND = PREVIEW_KBIT * 1000 // 8
WAIT_SECONDS = 0.1  # how often a growing file is looked at


def media_type(facts: AudioFacts) -> str | None:
    """The media type of a file that browsers play; None for any other."""
    kind, codecs = PLAYABLE.get(facts.container, (None, ()))
    return kind if facts.codec in codecs else None


class Sound:
    """Outlines and playable copies of sources.

    Args:
        settings: The server's settings.
        sources: The sources.
        decoders: The processes that decode.
    """

    def __init__(self, settings: ServerSettings, sources: Sources, decoders: Decoders):
        self._max_seconds, self._sources, self._decoders = settings.max_audio_seconds, sources, decoders
        self._max_previews = max(1, int(settings.max_stored_bytes / (self._max_seconds * PREVIEW_BYTES_PER_SECOND)))

    async def peaks(self, source: Source, points: int) -> dict[str, Any]:
        """The lowest and highest sample of each of a number of equal parts of a source, as plain data.

        Args:
            source: The source.
            points: The number of parts; fewer if the track is very short.

        Raises:
            AudioError: If the source cannot be decoded.
        """
        async with source.outlining:
            if source.outline is None:
                source.outline = await self._decoders.answer(Peaks(str(source.path), self._max_seconds), aside=True)
        outline = source.outline
        return {"seconds": round(outline.seconds, 3), "peaks": reduce_peaks(outline.peaks, points).round(4).tolist()}

    async def preview(self, source: Source) -> tuple[Path, asyncio.Task]:
        """A copy of a source that browsers can play, and the task that writes it. One that failed is tried again."""
        if source.preview is None or _has_failed(source.preview[1]):
            self._sources.drop_preview(source)
            self._sources.drop_old_previews(self._max_previews - 1)
            path = self._sources.folder / f"{secrets.token_hex(16)}.mp3"
            writing = asyncio.create_task(
                self._decoders.answer(Preview(str(source.path), str(path), self._max_seconds), aside=True)
            )
            writing.add_done_callback(_has_failed)  # readers find out
            source.preview = path, writing
        return source.preview


def _has_failed(task: asyncio.Task) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


async def growing_file(path: Path, writing: asyncio.Task) -> AsyncIterator[bytes]:
    """Yields a file while it is written, up to its end.

    Args:
        path: The file; it may not exist yet.
        writing: The task that writes it.
    """
    while not path.exists():
        if writing.done():
            return
        await asyncio.sleep(WAIT_SECONDS)
    with open(path, "rb") as file:
        while True:
            is_last = writing.done()
            while piece := file.read(READ_BYTES):
                yield piece
            if is_last:
                return
            with suppress(TimeoutError):
                await asyncio.wait([writing], timeout=WAIT_SECONDS)


def reduce_peaks(outline: np.ndarray, points: int) -> np.ndarray:
    """Reduces an outline, float (n, 2), to at most a number of points, in [-1, 1].

    Example:
        >>> reduce_peaks(np.array([[-0.5, 0.0], [-0.25, 2.0], [0.0, 0.5]]), 2).tolist()
        [[-0.5, 0.0], [-0.25, 1.0]]
    """
    if len(outline) > points:
        edges = np.linspace(0, len(outline), points + 1).astype(int)
        parts = (outline[low:high].reshape(1, -1) for low, high in itertools.pairwise(edges))
        outline = np.concatenate([lows_and_highs(part) for part in parts])
    return outline.astype(np.float64).clip(-1, 1)

"""Sources: what a client can tag, by an id and never by a path.

`demo:NAME` is a bundled clip, `upload:HEX` a file that a client has sent, and `track:NUMBER` a track of the library's
database. Uploads are in one temporary folder, which is removed at the end; their own names are only shown.
"""

import asyncio
import os
import re
import secrets
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from keras_musictag.bundled_files import demo_clip
from keras_musictag.errors import UnknownNameError, printable
from keras_musictag.web.decoding import AudioFacts, Decoders, Outline, Probe
from keras_musictag.web.library_view import LibraryView
from keras_musictag.web.replies import busy
from keras_musictag.web.settings import ServerSettings

SWEEP_SECONDS = 30.0
MAX_NAME = 200
MAX_UPLOADS = 256
MAX_TRACKS = 256  # of the library whose facts are remembered
TRACK = re.compile(r"track:([1-9]\d{0,17})")


@dataclass(eq=False)
class Source:
    """Something that can be tagged.

    Attributes:
        id: What clients call it.
        path: The file.
        name: What is shown: the name of the file without folders, or the title.
        bytes: Size of the file.
        facts: What the file is, by its content; None until it was probed.
        last_used: When it was last asked for, by `time.monotonic`.
        outline: What the whole track looks like; None until it was decoded.
        preview: A copy that browsers can play, and the task that writes it; None until it was asked for.
        users: How many tasks need it: it is not removed to make room.
        probing, outlining: Held by whoever finds out `facts` or `outline`. Two, because the outline of a long track
            takes a while, in which it can be tagged.
    """

    id: str
    path: Path
    name: str
    bytes: int
    facts: AudioFacts | None = None
    last_used: float = field(default_factory=time.monotonic)
    outline: Outline | None = None
    preview: tuple[Path, asyncio.Task] | None = None
    users: int = 0
    probing: asyncio.Lock = field(default_factory=asyncio.Lock)
    outlining: asyncio.Lock = field(default_factory=asyncio.Lock)


class Sources:
    """The sources of a server.

    Args:
        settings: The server's settings.
        decoders: The processes that find out what a file is.
        library: Where tracks are looked up.
    """

    def __init__(self, settings: ServerSettings, decoders: Decoders, library: LibraryView):
        self._settings, self._decoders, self._library = settings, decoders, library
        self._known: dict[str, Source] = {}
        self._folder: Path | None = None
        self._sweeper: asyncio.Task | None = None

    async def start(self) -> None:
        """Makes the folder of the uploads."""
        self._folder = Path(tempfile.mkdtemp(prefix="keras_musictag-"))
        clip = demo_clip()
        self._known["demo:demo"] = Source("demo:demo", clip, "Demo clip", clip.stat().st_size)
        self._sweeper = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Removes the uploads."""
        if self._sweeper is None:
            return
        self._sweeper.cancel()
        for source in list(self._known.values()):
            self.discard(source)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    @property
    def folder(self) -> Path:
        """The folder of the uploads and of the copies that browsers can play."""
        return self._folder

    async def demos(self) -> list[dict[str, Any]]:
        """The bundled clips, as plain data."""
        source = await self.get("demo:demo")
        await self.probe(source)
        return [
            {
                "source": source.id,
                "title": source.name,
                "seconds": source.facts.seconds,
                "licence": "synthetic music, free to use; soundfont FluidR3_GM, MIT",
            }
        ]

    async def get(self, source_id: str) -> Source:
        """A source by its id.

        Raises:
            UnknownNameError: If there is none, or it has expired.
        """
        source = self._known.get(source_id)
        if source is None and (match := TRACK.fullmatch(source_id)) and self._settings.database is not None:
            found = await asyncio.to_thread(self._track, int(match[1]))
            source = self._known.get(source_id) or self._remember(found)  # another request may have been sooner
        if source is None:
            raise UnknownNameError(
                f"There is no source {source_id[:80]!r}; expected `demo:demo`, a `track:NUMBER` of the library or an "
                f"`upload:ID` that is kept. Uploads expire after {self._settings.upload_seconds / 60:.0f} minutes: "
                "send the file again."
            )
        source.last_used = time.monotonic()
        return source

    def _track(self, number: int) -> Source:
        with self._library.opened() as database:
            files = database.files_of_track(number)
        for path, labels in files:
            if os.path.isfile(path):
                name = labels.title or shown_name(path)
                return Source(f"track:{number}", Path(path), name, os.path.getsize(path))
        raise UnknownNameError(
            f"There is no track {number} in the library whose file still exists. Run `keras-musictag library scan` if "
            "files were moved."
        )

    def _remember(self, source: Source) -> Source:
        tracks = [each for each in self._known.values() if each.id.startswith("track:")]
        for each in tracks[: max(0, len(tracks) + 1 - MAX_TRACKS)]:
            self.discard(each)
        self._known[source.id] = source
        return source

    async def probe(self, source: Source) -> AudioFacts:
        """What a source is, by its content.

        Raises:
            AudioError: If it is not audio that can be used.
        """
        async with source.probing:
            if source.facts is None:
                source.facts = await self._decoders.answer(Probe(str(source.path)))
        return source.facts

    async def add_upload(self, file: BinaryIO, name: str, size: int) -> Source:
        """Keeps a file that a client has sent. It is not yet known whether it is audio: see `probe`.

        Args:
            file: The file, at its start.
            name: What the client calls it; it is only shown.
            size: Its size in bytes.

        Raises:
            HTTPException: 429 if the server keeps too much already.
        """
        self._make_room(size)
        digits = secrets.token_hex(16)
        source = Source(f"upload:{digits}", self._folder / digits, shown_name(name), size)
        self._known[source.id] = source
        try:
            await asyncio.to_thread(_copy, file, source.path)
        except BaseException:
            self.discard(source)
            raise
        return source

    def _make_room(self, size: int) -> None:
        uploads = self._uploads()
        removable = sorted((source for source in uploads if not source.users), key=lambda source: source.last_used)
        excess = sum(source.bytes for source in uploads) + size - self._settings.max_stored_bytes
        too_many = len(uploads) + 1 - MAX_UPLOADS
        if excess > sum(source.bytes for source in removable) or too_many > len(removable):
            raise busy("The server has no room for this file. Try a smaller one, or try again later.", 60)
        for source in removable:
            if excess <= 0 and too_many <= 0:
                return
            excess, too_many = excess - source.bytes, too_many - 1
            self.discard(source)

    @property
    def num_uploads(self) -> int:
        """How many uploads are kept."""
        return len(self._uploads())

    def _uploads(self) -> list[Source]:
        return [source for source in self._known.values() if source.id.startswith("upload:")]

    def remove(self, source_id: str) -> None:
        """Forgets an upload, and removes its file.

        Raises:
            UnknownNameError: If there is no such upload.
        """
        source = self._known.get(source_id)
        if source is None or not source_id.startswith("upload:"):
            raise UnknownNameError(f"There is no upload {source_id[:80]!r}; only uploads can be removed.")
        self.discard(source)

    def hold(self, source: Source, task: asyncio.Task) -> None:
        """Does not remove an upload to make room, or because it has expired, before a task has ended."""

        def release(_) -> None:
            source.users -= 1

        source.users += 1
        task.add_done_callback(release)

    def drop_old_previews(self, kept: int) -> None:
        """Removes the copies that browsers can play, except those of the sources that were used last."""
        having = [source for source in self._known.values() if source.preview is not None]
        for source in sorted(having, key=lambda source: -source.last_used)[kept:]:
            self.drop_preview(source)

    def drop_preview(self, source: Source) -> None:
        """Removes the copy of a source that browsers can play, if there is one."""
        if source.preview is not None:
            path, writing = source.preview
            source.preview = None
            writing.cancel()
            _remove(path)

    def discard(self, source: Source) -> None:
        """Forgets a source, if it is still known; the file of an upload is removed."""
        self._known.pop(source.id, None)
        self.drop_preview(source)
        if source.id.startswith("upload:"):
            _remove(source.path)

    async def _sweep(self) -> None:
        """Removes uploads that were not used for a while."""
        while True:
            await asyncio.sleep(min(SWEEP_SECONDS, self._settings.upload_seconds))
            for source in self._uploads():
                if not source.users and time.monotonic() - source.last_used > self._settings.upload_seconds:
                    self.discard(source)


def _remove(path: Path) -> None:
    with suppress(OSError):  # it is gone, or open on Windows: then it goes with the folder
        path.unlink()


def _copy(file: BinaryIO, path: Path) -> None:
    with open(path, "xb") as target:
        shutil.copyfileobj(file, target, 2**20)


def shown_name(name: str) -> str:
    """The last part of a path, of any system, as it can be shown.

    Example:
        >>> shown_name("C:\\\\Music\\\\song.mp3"), shown_name("../../etc/passwd"), shown_name("")
        ('song.mp3', 'passwd', 'a file without a name')
    """
    last = re.split(r"[/\\]", name.strip())[-1]
    return printable(last)[:MAX_NAME] or "a file without a name"

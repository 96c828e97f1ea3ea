"""The loop of a scan: messages of the decoding workers -> batches of the networks -> finished tracks, stored."""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from keras_musictag.audio.chunking import Chunking
from keras_musictag.library.database import Database, StoredModel
from keras_musictag.library.decoding_workers import Chunk, Decoded, Failed, Restarted
from keras_musictag.library.music_files import FoundFile, Volume, check_volumes
from keras_musictag.library.network_batches import MergedOutputs, NetworkBatches, batch_chunks
from keras_musictag.library.scan_writer import ScanWriter
from keras_musictag.library.track_feed import Track, TrackFeed

_HELD_BATCHES = 4  # of decoded chunks that wait for the network
_POLL_SECONDS = 0.2


@dataclass
class ScanSummary:
    """What a scan has done, while it runs and at the end.

    Attributes:
        found: Music files on the disk.
        unchanged: Files that were not read, because neither size nor modification time differ.
        known_problems: Those of them that an earlier scan could not use.
        to_read: Files that the scan reads.
        tagged: Files that were decoded and tagged.
        known: Files that were recognised by their audio, and not tagged again.
        problems: Files that were read and could not be used; `Database.problems` says why.
        missing: Files that have disappeared since the last scan.
        closed: Folders that could not be searched, each with the reason.
        seconds: Duration of the audio that was tagged, in seconds.
    """

    found: int = 0
    unchanged: int = 0
    to_read: int = 0
    tagged: int = 0
    known: int = 0
    problems: int = 0
    known_problems: int = 0
    missing: int = 0
    closed: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """How many of the files to read are done."""
        return self.tagged + self.known + self.problems


@dataclass(eq=False)
class Network:
    """A model of a scan, ready to run; `computed_by` says what runs it."""

    stored: StoredModel
    batches: NetworkBatches
    chunking: Chunking
    computed_by: str


class _TrackState:
    """A track that is being tagged: its chunkings, and the networks that need each of them, with their outputs."""

    def __init__(self, networks: Sequence[Network]):
        self.chunkings = tuple(dict.fromkeys(network.chunking for network in networks))
        self._networks = [[n for n in networks if n.chunking == chunking] for chunking in self.chunkings]
        self.outputs: list[dict[Network, MergedOutputs]] = [{} for _ in self.chunkings]
        self.decoded: Decoded | None = None
        for index in range(len(self.chunkings)):
            self.restart(index)

    def restart(self, index: int) -> None:
        """Discards the outputs for a chunking."""
        self.outputs[index] = {network: MergedOutputs() for network in self._networks[index]}

    def results(self) -> Iterator[tuple[Network, MergedOutputs]]:
        for group in self.outputs:
            yield from group.items()

    @property
    def is_complete(self) -> bool:
        return self.decoded is not None and all(outputs.is_complete for _, outputs in self.results())


_COPY = "copy"  # the state of a track whose audio is being tagged from another file


class ScanLoop:
    """Runs a scan.

    Args:
        database: The database, for what is known of a track.
        networks: The models.
        writer: Stores what is finished.
        volumes: Folders that may be disconnected meanwhile. That ends the scan, and no file of theirs is a problem.
        summary: Is updated.
        report: Called with it after each message.
    """

    def __init__(
        self,
        database: Database,
        networks: Sequence[Network],
        writer: ScanWriter,
        volumes: Sequence[Volume],
        summary: ScanSummary,
        report: Callable[[ScanSummary], None],
    ):
        self._networks, self._writer, self._volumes = networks, writer, volumes
        self._summary, self._report = summary, report
        # for the threads of the feed, which call `_choose` one at a time
        self._known = sqlite3.connect(database.path, timeout=60.0, isolation_level=None, check_same_thread=False)
        # audio that is being tagged -> other files with the same audio
        self._in_progress: dict[bytes, list[Track]] = {}
        self._complete: list[Track] = []  # decoded, and waiting for the network
        self._stored: list[bytes] = []  # audio whose results are not yet committed
        self._again: deque[FoundFile] = deque()

    def run(self, files: Iterator[FoundFile], jobs: int, stall_seconds: float) -> None:
        """Reads all files.

        Raises:
            MusicTagError: If a volume is disconnected meanwhile, or the disk is full.
            Whatever `report` raises.
        """
        self._stall_seconds = stall_seconds
        held = _HELD_BATCHES * max(batch_chunks(network.chunking) for network in self._networks)
        try:
            with TrackFeed(self._choose, jobs, stall_seconds, held) as feed:
                self._loop(files, feed)
        finally:  # also after Ctrl-C: what is finished is kept
            self._known.close()
            self._writer.commit()

    def _loop(self, files: Iterator[FoundFile], feed: TrackFeed) -> None:
        following = next(files, None)
        while True:
            while not feed.is_full and (self._again or following):
                if self._again:
                    feed.put(Track(self._again.popleft()))
                else:
                    feed.put(Track(following))
                    following = next(files, None)
            if feed.unfinished and (message := feed.next(_POLL_SECONDS)):
                self._take(*message)
            if not feed.unfinished:
                for network in self._networks:
                    network.batches.flush()
            self._store_complete()
            if self._writer.is_due or not feed.unfinished:
                self._commit()
            self._report(self._summary)
            if not (feed.unfinished or self._again or following):
                return

    def _choose(self, track: Track) -> tuple[Chunking, ...]:
        """Decides what to decode of a track; nothing if its audio is known, or is being tagged from another file."""
        audio = track.identified.audio_sha256
        if audio in self._in_progress:
            track.state = _COPY
            return ()
        query = "SELECT model FROM results JOIN tracks ON results.track = tracks.id WHERE audio_sha256 = ?"
        known = {model for (model,) in self._known.execute(query, (audio,))}
        networks = [network for network in self._networks if network.stored.id not in known]
        if not networks:
            return ()
        self._in_progress[audio] = []
        track.state = _TrackState(networks)
        return track.state.chunkings

    def _take(self, track: Track, message) -> None:
        match message:
            case Chunk(index, samples):
                for network, outputs in track.state.outputs[index].items():
                    network.batches.add(outputs, samples)
            case Restarted(indices):
                for index in indices:
                    track.state.restart(index)
            case Decoded():
                track.state.decoded = message
                self._complete.append(track)
            case Failed():
                self._fail(track, message)
            case (_, ()) if track.state == _COPY:
                copies = self._in_progress.get(track.identified.audio_sha256)
                if copies is None:  # it was stored, or failed, meanwhile
                    self._again.append(track.file)
                else:
                    copies.append(track)
            case (_, ()):
                self._store_known(track)

    def _store_known(self, track: Track) -> None:
        self._writer.add_known(track.file, track.identified)
        self._summary.known += 1

    def _store_complete(self) -> None:
        """Passes the tracks on that the networks are done with."""
        for track in [track for track in self._complete if track.state.is_complete]:
            self._complete.remove(track)
            results = list(track.state.results())
            if not all(np.isfinite(row).all() for _, outputs in results for row in (outputs.scores, outputs.embedding)):
                self._fail(track, Failed("The network computed scores that are not numbers."))
                continue
            scored = [(network.stored, network.computed_by, outputs) for network, outputs in results]
            self._writer.add_tagged(track.file, track.identified, track.state.decoded, scored)
            self._summary.tagged += 1
            self._summary.seconds += track.state.decoded.duration_seconds
            self._stored.append(track.identified.audio_sha256)

    def _commit(self) -> None:
        """Stores what is finished; then the copies of these tracks are known."""
        self._writer.commit()
        for audio in self._stored:
            for copy in self._in_progress.pop(audio):
                self._store_known(copy)
        self._stored = []
        self._writer.commit()

    def _fail(self, track: Track, failed: Failed) -> None:
        check_volumes(self._volumes, self._stall_seconds)
        self._writer.add_problem(track.file, failed, track.identified)
        self._summary.problems += 1
        if isinstance(track.state, _TrackState):
            self._again += [copy.file for copy in self._in_progress.pop(track.identified.audio_sha256)]

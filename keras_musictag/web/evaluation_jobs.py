"""Evaluations that clients start: a model on prepared records, in a process of its own.

Such a process can be ended at any moment, shares no network, lock or setting of Keras with the server, and leaves the
processor to it. One runs at a time. What it has scored is kept, so that the same evaluation resumes.
"""

import asyncio
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_musictag.errors import MusicTagError, UnknownNameError, printable
from keras_musictag.files import locked
from keras_musictag.keras_start import start_keras
from keras_musictag.processes import SPAWN, begin_worker, ctrl_c_held
from keras_musictag.records.folder import DATASET_FILE, Records
from keras_musictag.web.jobs import Job, Jobs
from keras_musictag.web.replies import refusal
from keras_musictag.web.reports import files_named, report_id, short_id, without_folder
from keras_musictag.zoo.card import Card

FOLDER_NAME = "from_page"  # in the first folder of reports
SECONDS_TO_END = 10.0  # a process saves its scores first
SECONDS_BETWEEN = 0.2  # two messages about the progress
NICENESS = 10

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundRecords:
    """A folder of records.

    Attributes:
        id: What clients call it.
        folder: Its path.
        name: What clients see.
        records: The open folder; None if it cannot be used.
        error: Why not.
    """

    id: str
    folder: Path
    name: str
    records: Records | None = field(default=None, repr=False)
    error: str | None = None


@dataclass(frozen=True)
class Request:
    """What a process evaluates: a model, on a part of a folder of records, into a folder."""

    model: str
    records: Path
    part: str
    out: Path

    def sentence(self, error: Exception) -> str:
        """An error without the paths of this machine."""
        text = without_folder(self.records, error)
        return without_folder(self.out.parent, MusicTagError(text))


class Evaluations:
    """The evaluations of a server.

    Args:
        records: Folders of records, or folders of such folders.
        reports: The user's folders of reports. Results are written into the first one, and are otherwise removed with
            the server.
    """

    def __init__(self, records: Sequence[Path], reports: Sequence[Path]):
        self._roots, self._is_kept = [folder.resolve() for folder in records], bool(reports)
        temporary = Path(tempfile.gettempdir()) / f"keras_musictag-reports-{secrets.token_hex(8)}"
        self.out = (reports[0] / FOLDER_NAME if reports else temporary).resolve()

    def open(self) -> None:
        """Makes the folder of results that are not to be kept."""
        if not self._is_kept:
            self.out.mkdir(mode=0o700)

    def close(self) -> None:
        """Removes it."""
        if not self._is_kept:
            shutil.rmtree(self.out, ignore_errors=True)

    def find_records(self) -> list[FoundRecords]:
        """All folders of records."""
        found = {}
        for root in self._roots:
            for path in files_named(root, (DATASET_FILE,)):
                found.setdefault(os.path.realpath(path.parent), self._open(root, path.parent))
        return list(found.values())

    def _open(self, root: Path, folder: Path) -> FoundRecords:
        place = folder.relative_to(root).as_posix()
        about = (short_id(os.path.realpath(folder)), folder, printable(root.name if place == "." else place))
        try:
            return FoundRecords(*about, Records(folder))
        except (MusicTagError, OSError, ValueError, TypeError, LookupError) as error:
            return FoundRecords(*about, error=without_folder(root, error))

    def rows(self, cards: Mapping[str, Card]) -> list[dict[str, Any]]:
        """The folders of records as plain data for JSON, with the models that have the same tags."""
        return [_row(found, cards) for found in self.find_records()]

    async def start(self, jobs: Jobs, cards: Mapping[str, Card], model: str, records: str, part: str = "test") -> Job:
        """Starts an evaluation, or puts it into the queue.

        Args:
            jobs: The server's jobs.
            cards: The models that can be chosen.
            model: Name of one of them.
            records: Id of a folder of records.
            part: The part to measure.

        Raises:
            UnknownNameError: If there is no such model or folder.
            HTTPException: 400 if the folder is damaged, has other tags than the model, or no tracks in this part; see
                also `Jobs.start`.
        """
        request = await asyncio.to_thread(self._request, cards, model, records, part)  # it reads all records' folders
        return jobs.start("evaluate", lambda job: run(job, request), max_running=1, abandonable=False)

    def _request(self, cards: Mapping[str, Card], model: str, records: str, part: str) -> Request:
        if model not in cards:
            raise UnknownNameError.of("model", model, cards)
        found = next((found for found in self.find_records() if found.id == records), None)
        if found is None:
            raise UnknownNameError(f"There are no records {records[:80]!r}. Was the folder removed? Reload the page.")
        row = _row(found, cards)
        if found.records is None:
            raise refusal(400, found.error)
        if model not in row["models"]:
            raise refusal(400, _other_tags(cards[model], found))
        if not row["parts"][part]:
            raise refusal(400, f"{found.name!r} has no tracks in the part {part!r}. Choose another part.")
        name = "".join(c if c.isalnum() or c in "-_." else "_" for c in f"{model}-{found.name}-{part}")
        return Request(model, found.folder, part, self.out / f"{name[:100]}-{found.id[:6]}")


def _row(found: FoundRecords, cards: Mapping[str, Card]) -> dict[str, Any]:
    about = {"records": found.id, "name": found.name}
    if found.records is None:
        return {**about, "models": [], "error": found.error}
    info, tags = found.records.info, set(found.records.vocabulary)
    return {
        **about,
        "dataset": printable(str(info["dataset"])),
        "dataset_version": printable(str(info["dataset_version"])),
        "tags": len(tags),
        "parts": {part: facts["tracks"] for part, facts in info["parts"].items()},
        "models": [card.name for card in cards.values() if tags and tags == _tags_of(card)],
    }


def _tags_of(card: Card) -> set[str]:
    return {tag["name"] for tag in card.model["tags"]}


def _other_tags(card: Card, found: FoundRecords) -> str:
    theirs = set(found.records.vocabulary)
    missing = sorted(theirs - _tags_of(card))
    examples = f" (such as {', '.join(map(repr, missing[:3]))})" if missing else ""
    return (
        f"{card.name!r} and {found.name!r} must have the same tags. The model has {len(_tags_of(card))} tags; "
        f"{len(missing)} of the {len(theirs)} tags of the records are missing{examples}. Choose a model that was "
        "trained on this dataset."
    )


async def run(job: Job, request: Request) -> dict[str, str]:
    """The work of a job: evaluates in a process, emits its `progress`, and returns the data of `done`.

    Raises:
        MusicTagError: If the evaluation fails.
    """
    connection, process = _start(request)
    try:
        while True:
            kind, *values = await asyncio.to_thread(_receive, connection)
            if kind == "progress":
                done, total = values
                job.progress = done / total
                job.emit("progress", {"done": done, "total": total})
            elif kind == "done":
                return {"report": report_id(request.out)}
            elif kind == "failed":
                raise MusicTagError(values[0])
            else:
                raise MusicTagError(
                    "The process of the evaluation was ended, perhaps because memory ran out. Start it again to resume."
                )
    finally:
        await asyncio.to_thread(_end, process)


def _start(request: Request) -> tuple[Any, Any]:
    ours, theirs = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=work, args=(theirs, request), name=f"evaluation of {request.model}", daemon=True)
    with ctrl_c_held():
        process.start()
    theirs.close()  # so that reading ends when the process does
    return ours, process


def _receive(connection) -> tuple:
    try:
        return connection.recv()
    except (EOFError, OSError):
        return ("lost",)


def _end(process) -> None:
    process.terminate()
    process.join(SECONDS_TO_END)
    if process.is_alive():
        process.kill()
        process.join()


def work(connection, request: Request) -> None:
    """What the process runs."""
    begin_worker()
    signal.signal(signal.SIGTERM, _leave)
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # the server may occupy the memory of the GPU
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    try:
        answer(connection.send, request)
    finally:
        os._exit(0)  # the system tidies up sooner than Python and TensorFlow


def _leave(*_) -> None:
    """Ends the evaluation, which then saves its scores so far."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit()


def answer(send: Callable[[tuple], None], request: Request) -> None:
    """Evaluates, and sends `("progress", done, total)`, and at the end `("done",)` or `("failed", sentence)`."""
    from keras_musictag.evaluation.evaluating import evaluate
    from keras_musictag.zoo.loading import load

    last = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last
        if done == total or time.monotonic() - last >= SECONDS_BETWEEN:
            last = time.monotonic()
            send(("progress", done, total))

    try:
        start_keras()
        with locked(request.out.parent, f".{request.out.name}.lock"):
            evaluate(load(request.model), request.records, request.out, part=request.part, progress=progress)
    except (MusicTagError, OSError, ValueError) as error:
        send(("failed", request.sentence(error)))
    except Exception as error:
        log.error("An evaluation failed.", exc_info=error)
        send(("failed", f"The evaluation failed ({type(error).__name__}); the server's log says where."))
    else:
        send(("done",))

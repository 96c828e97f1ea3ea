"""The folder `.work` in an unfinished folder of records: the plan, a sidecar for each shard that is done, a lock."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_musictag.errors import RecordsError
from keras_musictag.files import locked, remove_scratch
from keras_musictag.records.folder import DATASET_FILE, SKIPPED_FILE, TRACKS_FILE
from keras_musictag.records.tables import write_json
from keras_musictag.records.writing.plan import differences
from keras_musictag.records.writing.repair import is_whole

WORK, PLAN_FILE, LOCK_FILE = ".work", "plan.json", "lock"


def sidecar_of(out: Path, shard: str) -> Path:
    """Where it is written down that a shard is done."""
    return out / WORK / f"{shard}.json"


def plan_of(out: Path) -> dict[str, Any] | None:
    """The plan of an unfinished folder of records; None if there is none."""
    try:
        return json.loads((out / WORK / PLAN_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


@contextmanager
def begun(out: Path, plan: dict[str, Any], repair: bool = False) -> Iterator[None]:
    """Makes the folder and its `.work`, and removes `.work` when the block has finished the records.

    Args:
        out: The folder.
        plan: What is asked for.
        repair: Whether finished records that have lost something may be there.

    Raises:
        MusicTagError: If another process is writing the folder.
        RecordsError: If another has written it since its plan was looked at.
        OSError: If the folder cannot be made.
    """
    work = out / WORK
    with locked(out, f"{WORK}/{LOCK_FILE}"):
        finished = (out / DATASET_FILE).exists() and (not repair or is_whole(out))
        if finished or differences(plan, plan_of(out) or plan):
            raise RecordsError(f"Another process has just written {str(out)!r}. Nothing was changed. Try once more.")
        remove_scratch(work)
        for name in (TRACKS_FILE, SKIPPED_FILE, DATASET_FILE):  # the user may have other files there
            remove_scratch(out, name)
        write_json(work / PLAN_FILE, plan)
        (out / DATASET_FILE).unlink(missing_ok=True)  # it is written last, of repaired records, too
        yield
        if (out / DATASET_FILE).exists():
            shutil.rmtree(work, ignore_errors=True)  # another run may find it, and remove it, too

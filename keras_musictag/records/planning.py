"""The plan of a folder of records, and what is already done: an interrupted `prepare` resumes from both.

The plan says which tracks go into which shard, and follows from the manifest alone. While the folder is unfinished, its
subfolder `.work` holds the plan, a lock, and a sidecar for each shard that is done.
"""

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

from keras_musictag.errors import RecordsError
from keras_musictag.files import locked, remove_scratch, write_json
from keras_musictag.records.folder import DATASET_FILE, Records, read_info, read_skipped, read_tracks
from keras_musictag.records.manifest import Manifest
from keras_musictag.records.schema import PARTS, TEXT_CODEC, VERSION
from keras_musictag.records.shards import ShardJob

WORK_FOLDER, PLAN_FILE, LOCK_FILE = ".work", "plan.json", "lock"


@dataclass(frozen=True)
class ShardPlan:
    """A shard to be written.

    Attributes:
        name: Name of the file.
        part: Whose tracks it holds.
        indices: Positions in the manifest, in the order of the records.
    """

    name: str
    part: str
    indices: tuple[int, ...]


def plan_shards(manifest: Manifest, tracks_per_shard: int) -> tuple[ShardPlan, ...]:
    """Divides each part into shards whose sizes differ by at most one track, each a random mix of the part.

    Args:
        manifest: Manifest of the dataset.
        tracks_per_shard: Maximum number of tracks per shard.

    Returns:
        The shards, part by part.
    """
    shards = []
    for part in PARTS:
        indices = [index for index, track in enumerate(manifest.tracks) if track.part == part]
        indices.sort(key=lambda index: _shuffle_key(manifest.tracks[index].track_id))
        count = -(-len(indices) // tracks_per_shard)
        edges = [len(indices) * number // count for number in range(count + 1)] if count else []
        for number, (begin, end) in enumerate(pairwise(edges)):
            name = f"{part}-{number:05d}-of-{count:05d}.tfrecord"
            shards.append(ShardPlan(name, part, tuple(indices[begin:end])))
    return tuple(shards)


def _shuffle_key(track_id: str) -> bytes:
    """A sort key unrelated to how a name begins, so that one artist's tracks are spread over the shards."""
    return hashlib.sha256(track_id.encode(*TEXT_CODEC)).digest()


def describe_plan(manifest: Manifest, storage: str, features: dict[str, Any] | None, tracks_per_shard: int) -> dict:
    """Everything but the audio files that determines the bytes of a folder of records, as plain data."""
    return {
        "version": VERSION,
        "dataset": manifest.dataset,
        "dataset_version": manifest.dataset_version,
        "split": manifest.split,
        "storage": storage,
        "features": features,
        "tracks_per_shard": tracks_per_shard,
        "num_tracks": len(manifest.tracks),
        "tags_sha256": _sha256(manifest.vocabulary.to_list()),
        "tracks_sha256": _sha256([asdict(track) for track in (*manifest.tracks, *manifest.skipped)]),
    }


def tool_versions() -> dict[str, str]:
    """Versions of the packages that decode and resample."""
    return {name: version(name) for name in ("keras_musictag", "av", "soxr", "numpy")}


def differences(asked: dict[str, Any], found: dict[str, Any]) -> str:
    """What differs between two plans, for a message; empty if nothing does."""
    # older records did not keep the number: they are the same if the hash of the list is
    differing = [name for name in asked if name != "num_tracks" and asked[name] != found.get(name)]
    return ", ".join(_difference(name, asked, found) for name in differing)


def _difference(name: str, asked: dict[str, Any], found: dict[str, Any]) -> str:
    then, now = found.get(name), asked[name]
    if name == "tags_sha256":
        return "the list of tags changed"
    if name == "tracks_sha256":
        before, after = found.get("num_tracks", "?"), asked["num_tracks"]
        if before == after:
            return f"the list of tracks changed (still {after}, but with other names, tags, parts or skipped files)"
        return f"the list of tracks changed ({before}, now {after})"
    if name == "features":
        before, after = (features_of(features) for features in (then, now))
        return f"features {before}, now {after}" + (" with other settings" if before == after else "")
    if name == "tool_versions":
        changed = [tool for tool in now if now[tool] != (then or {}).get(tool)]
        return ", ".join(f"{tool} {(then or {}).get(tool)}, now {now[tool]}" for tool in changed)
    return f"{name} {then!r}, now {now!r}"


def features_of(features: dict[str, Any] | None) -> str:
    """One word for the stored features: the architecture they are for, or else the front end."""
    return "none" if features is None else features.get("architecture", features["name"])


def _sha256(content: Any) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def is_whole(out: Path) -> bool:
    """Whether a folder holds finished records: its tables, and shards of the right length. Reads no shard."""
    if not (out / DATASET_FILE).exists():
        return False
    try:
        records = Records(out)
        return bool(records.tracks) and len(records.skipped) == records.info["skipped"]
    except RecordsError:
        return False


def sidecar_path(out: Path, shard: str) -> Path:
    """The file that says that a shard is done."""
    return out / WORK_FOLDER / f"{shard}.json"


def read_plan(out: Path) -> dict[str, Any] | None:
    """The plan of an unfinished folder of records; None if there is none."""
    try:
        return json.loads((out / WORK_FOLDER / PLAN_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


@contextmanager
def work_folder(out: Path, plan: dict[str, Any], repair: bool = False) -> Iterator[None]:
    """Creates the folder and its `.work`, and removes `.work` once the block has finished the records.

    Args:
        out: The folder.
        plan: The requested plan.
        repair: Whether the folder may hold finished records that have lost a file.

    Raises:
        MusicTagError: If another process is writing the folder.
        RecordsError: If another process has written it since its plan was read.
        OSError: If the folder cannot be made.
    """
    work = out / WORK_FOLDER
    with locked(out, f"{WORK_FOLDER}/{LOCK_FILE}"):
        finished = (out / DATASET_FILE).exists() and (not repair or is_whole(out))
        if finished or differences(plan, read_plan(out) or plan):
            raise RecordsError(f"Another process has just written {str(out)!r}. Nothing was changed. Try again.")
        for folder in (work, out):
            remove_scratch(folder, older_seconds=0)
        write_json(work / PLAN_FILE, plan)
        (out / DATASET_FILE).unlink(missing_ok=True)  # also written last when records are repaired
        yield
        if (out / DATASET_FILE).exists():
            shutil.rmtree(work, ignore_errors=True)  # another run may find and remove it at the same time


def restore_sidecars(out: Path, manifest: Manifest, jobs: Sequence[ShardJob]) -> None:
    """Writes the sidecars of the shards that the tables describe completely, as they were before the run finished.

    Args:
        out: A finished folder of these jobs.
        manifest: Manifest of the dataset.
        jobs: All shards. A shard of the wrong length counts as not done, as after an interruption.
    """
    try:
        tracks, skipped = read_tracks(out), read_skipped(out)[len(manifest.skipped) :]
    except RecordsError:
        return  # without the tables nothing is known of the shards
    shards = read_info(out)["shards"]
    rows, failed = defaultdict(list), {row.track_id: asdict(row) for row in skipped}
    for track in sorted(tracks, key=lambda track: track.offset):
        rows[track.shard].append(asdict(track))
    for job in jobs:
        own, facts = rows[job.path.name], shards.get(job.path.name)
        left_out = [failed[track.track_id] for _, track, _, _ in job.tracks if track.track_id in failed]
        if facts and len(own) == facts["tracks"] == len(job.tracks) - len(left_out):
            result = {"bytes": facts["bytes"], "sha256": facts["sha256"], "rows": own, "skipped": left_out, "notes": []}
            job.sidecar.parent.mkdir(exist_ok=True)
            write_json(job.sidecar, result)

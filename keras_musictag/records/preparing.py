"""A finished folder that has lost a shard or a table: what is whole is kept, so that `prepare` makes only the rest.

The folder `.work` in an unfinished folder of records: the plan, a sidecar for each shard that is done, a lock.

A manifest becomes a folder of records: in parallel, resumed after a kill, the same bytes however it went.
"""

import json
import os
import shutil
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from keras_musictag.choices import STORAGES
from keras_musictag.errors import DatasetError, RecordsError, UnknownNameError
from keras_musictag.files import locked, remove_scratch, write_json
from keras_musictag.processes import usable_cores
from keras_musictag.records.folder import (
    DATASET_FILE,
    SKIPPED_FILE,
    TRACKS_FILE,
    Records,
    StoredTrack,
    read_info,
    read_skipped,
    read_tracks,
)
from keras_musictag.records.manifest import Manifest, Skipped
from keras_musictag.records.planning import ShardPlan, describe_plan, differences, plan_shards, tool_versions
from keras_musictag.records.shard_workers import write_shards
from keras_musictag.records.shards import FeatureMaker, ShardJob, must_be_there, write_tables


def is_whole(out: Path) -> bool:
    """Whether a folder holds finished records: its tables, and shards as long as they were. Reads no shard."""
    if not (out / DATASET_FILE).exists():
        return False
    try:
        records = Records(out)
        return bool(records.tracks) and len(records.skipped) == records.info["skipped"]
    except RecordsError:
        return False


def keep_shards(out: Path, manifest: Manifest, jobs: Sequence[ShardJob]) -> None:
    """Writes the sidecars of the shards that the tables know in whole, as they were before the folder was finished.

    Args:
        out: A finished folder of these jobs.
        manifest: Of the dataset.
        jobs: All shards. A shard of another length counts as not done, as it does after an interruption.
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
        for folder in (work, out):
            remove_scratch(folder, older_seconds=0)
        write_json(work / PLAN_FILE, plan)
        (out / DATASET_FILE).unlink(missing_ok=True)  # it is written last, of repaired records, too
        yield
        if (out / DATASET_FILE).exists():
            shutil.rmtree(work, ignore_errors=True)  # another run may find it, and remove it, too


TRACKS_PER_SHARD = 64  # of half a minute: 60 MB as samples


def prepare(
    manifest: Manifest,
    out: str | os.PathLike,
    *,
    storage: str = "pcm",
    frontend: FeatureMaker | None = None,
    jobs: int | None = None,
    allow_missing: bool = False,
    tracks_per_shard: int = TRACKS_PER_SHARD,
    report: Callable[[int, int], None] | None = None,
) -> Records:
    """Writes a dataset as records. Run it again after an interruption: it goes on, and the bytes are the same.

    Of finished records that have lost a shard, or have one of another length, it makes that shard anew; where a table
    is missing, all of them.

    With more than one job, or a front end, worker processes start afresh: in a script, call this below
    `if __name__ == "__main__":`.

    Args:
        manifest: Which tracks there are.
        out: Folder to write, made if need be.
        storage: "pcm" keeps decoded samples, int16 at 16 kHz; "source" keeps the files as they are, much
            smaller where they are compressed, to be decoded whenever they are read.
        frontend: Makes the features that are stored beside, such as `tagger.features.ClipFeatures("musicnn")`.
        jobs: Worker processes; None for one a core.
        allow_missing: Go on where files are missing, cannot be used, or the counts are not the published ones.
        tracks_per_shard: The most tracks a shard has.
        report: Called now and then with the number of tracks that are done, and of all.

    Returns:
        The finished `Records`.

    Raises:
        DatasetError: If files are missing or counts are not the published ones, unless that is allowed; if a part
            is left without any track.
        RecordsError: If `out` holds records of another dataset or with other settings, or another run writes it; if
            it holds another `tracks.csv` or `skipped.csv`.
        OSError: If `out` cannot be written. What is done stays; run it again when there is space.
        UnknownNameError: If there is no such storage.
        ValueError: If `jobs` or `tracks_per_shard` is less than 1.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import soundfile
        >>> from keras_musictag.records import Track
        >>> from keras_musictag.tags import Vocabulary
        >>> with TemporaryDirectory() as folder:
        ...     soundfile.write(f"{folder}/a.wav", [0.5] * 32000, 16000)
        ...     tracks = (Track("a", "a.wav", ("rock",), "train"),)
        ...     rock = Vocabulary(("rock",))
        ...     manifest = Manifest("mine", "1", "all", rock, Path(folder), tracks, licence="mine", citation="")
        ...     records = prepare(manifest, f"{folder}/records", jobs=1)
        ...     records.info["parts"]["train"]
        {'tracks': 1, 'seconds': 2.0, 'positives': [1]}
    """
    _check(storage, jobs, tracks_per_shard)
    out = Path(out)
    plan = describe_plan(manifest, storage, frontend.to_dict() if frontend else None, tracks_per_shard)
    finished = read_info(out) if (out / DATASET_FILE).exists() else None
    if finished:
        _check_plan(out, plan, finished["plan"])
        if is_whole(out):
            shutil.rmtree(sidecar_of(out, "").parent, ignore_errors=True)  # of a run that was killed at its very end
            return Records(out)
    if not allow_missing:
        _check_counts(manifest)
    shards = plan_shards(manifest, tracks_per_shard)
    all_jobs = [_job(manifest, shard, out, storage, frontend) for shard in shards]
    plan["tool_versions"] = tool_versions()
    before = {**finished["plan"], "tool_versions": finished.get("tool_versions")} if finished else plan_of(out)
    _check_plan(out, plan, before)
    _check_tables(out)
    if finished:
        keep_shards(out, manifest, all_jobs)
    to_do = [job for job in all_jobs if not _is_done(job, manifest, allow_missing)]
    if not allow_missing:
        _check_files(manifest, to_do)
    with begun(out, plan, repair=finished is not None):
        total = len(manifest.tracks)
        before = total - sum(len(job.tracks) for job in to_do)
        tell = report or (lambda done, total: None)
        tell(before, total)
        write_shards(to_do, jobs or usable_cores(), lambda done: tell(before + done, total))
        notes = write_tables(manifest, all_jobs, out, plan, allow_missing)
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return Records(out)


def _check(storage: str, jobs: int | None, tracks_per_shard: int) -> None:
    if storage not in STORAGES:
        raise UnknownNameError.of("storage", storage, STORAGES)
    if jobs is not None and jobs < 1:
        raise ValueError(f"`jobs` must be 1 or more. Received: {jobs}.")
    if tracks_per_shard < 1:
        raise ValueError(f"`tracks_per_shard` must be 1 or more. Received: {tracks_per_shard}.")


def _check_plan(out: Path, asked: dict[str, Any], found: dict[str, Any] | None) -> None:
    if found is not None and (differing := differences(asked, found)):
        raise RecordsError(
            f"{str(out)!r} holds records that were prepared otherwise: {differing}. Nothing was changed. Use the "
            "same dataset and options, choose another folder, or delete this one first."
        )


def _check_tables(out: Path) -> None:
    """Refuses to replace a table of the user's that happens to be called as ours, such as the one to be prepared."""
    for name, row in ((TRACKS_FILE, StoredTrack), (SKIPPED_FILE, Skipped)):
        path = out / name
        if path.is_file() and not path.read_bytes().startswith(",".join(row.__dataclass_fields__).encode()):
            raise RecordsError(f"{str(path)!r} is no table of records, and would be replaced. Choose another folder.")


def _is_done(job: ShardJob, manifest: Manifest, allow_missing: bool) -> bool:
    """Whether a shard need not be written. A track that must be there is tried again: its file may be back."""
    result = job.result()
    if result is None or allow_missing:
        return result is not None
    return not any(must_be_there(manifest, skipped["reason"]) for skipped in result["skipped"])


def _check_counts(manifest: Manifest) -> None:
    published = dict(manifest.published_counts)
    if published and manifest.counts != {**dict.fromkeys(manifest.counts, 0), **published}:
        raise DatasetError(
            f"{manifest.dataset} ({manifest.split}) has other counts than were published: "
            f"{_counts(manifest.counts)}; published: {_counts(published)}. Is the download whole? "
            "To go on with what is there, pass --allow-missing (`allow_missing=True`)."
        )


def _counts(counts: dict[str, int]) -> str:
    return " / ".join(f"{part} {count:,}" for part, count in counts.items())


def _check_files(manifest: Manifest, jobs: Sequence[ShardJob]) -> None:
    missing = sorted((index, path) for job in jobs for index, _, _, path in job.tracks if not path.is_file())
    if missing:
        first = ", ".join(repr(str(path)) for _, path in missing[:3])
        raise DatasetError(
            f"{len(missing):,} of {len(manifest.tracks):,} files of {manifest.dataset} are missing, such as {first}. "
            "Download them, or say where the audio is with --audio (`audio`). To continue without them, pass "
            "--allow-missing (`allow_missing=True`)."
        )


def _job(manifest: Manifest, shard: ShardPlan, out: Path, storage: str, frontend: FeatureMaker | None) -> ShardJob:
    position = {tag: index for index, tag in enumerate(manifest.vocabulary)}
    tracks = tuple(
        (index, track, tuple(sorted(position[tag] for tag in track.tags)), manifest.file(track))
        for index in shard.indices
        for track in (manifest.tracks[index],)
    )
    return ShardJob(out / shard.name, sidecar_of(out, shard.name), shard.part, tracks, len(position), storage, frontend)

"""A manifest becomes a folder of records: in parallel, resumable, and the same bytes however the run went.

The steps have their own modules: `planning` (what to write, and what is already done), `shards` (one shard, and
the processes that write them), `finishing` (the tables and `dataset.json`).
"""

import os
import shutil
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_musictag.choices import STORAGES
from keras_musictag.errors import DatasetError, RecordsError, UnknownNameError
from keras_musictag.processes import usable_cores
from keras_musictag.records.finishing import is_required, write_tables
from keras_musictag.records.folder import DATASET_FILE, SKIPPED_FILE, TRACKS_FILE, Records, StoredTrack, read_info
from keras_musictag.records.manifest import Manifest, Skipped
from keras_musictag.records.planning import (
    ShardPlan,
    describe_plan,
    differences,
    is_whole,
    plan_shards,
    read_plan,
    restore_sidecars,
    sidecar_path,
    tool_versions,
    work_folder,
)
from keras_musictag.records.shards import FeatureMaker, ShardJob, write_shards

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
    """Writes a dataset as records. Run it again after an interruption: it resumes, and the bytes are the same.

    It also repairs finished records: it writes a shard again that is missing or has the wrong length, and all shards
    if a table is missing.

    With more than one job, or a front end, spawned worker processes do the work: in a script, call this below
    `if __name__ == "__main__":`.

    Args:
        manifest: The dataset's tracks.
        out: Folder to write; created if it does not exist.
        storage: "pcm" keeps decoded samples, int16 at 16 kHz; "source" keeps the files as they are, much
            smaller if they are compressed, but decoded each time they are read.
        frontend: Computes features to store with the audio, such as `tagger.features.ClipFeatures("musicnn")`.
        jobs: Worker processes; None for one per core.
        allow_missing: Continue although files are missing or unusable, or the counts differ from the published ones.
        tracks_per_shard: Maximum number of tracks per shard.
        report: Called regularly with the number of tracks that are done and the total.

    Returns:
        The finished `Records`.

    Raises:
        DatasetError: If files are missing or counts differ from the published ones, unless that is allowed; if a part
            loses all its tracks.
        RecordsError: If `out` holds records of another dataset or with other settings, or a `tracks.csv` or
            `skipped.csv` that is not a table of records; if another run is writing it.
        OSError: If `out` cannot be written. Finished shards stay; run it again when there is space.
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
    _check_arguments(storage, jobs, tracks_per_shard)
    out = Path(out)
    plan = describe_plan(manifest, storage, frontend.to_dict() if frontend else None, tracks_per_shard)
    finished = read_info(out) if (out / DATASET_FILE).exists() else None
    if finished:
        _check_plan(out, plan, finished["plan"])
        if is_whole(out):
            # a run that was killed at its very end may have left its work folder
            shutil.rmtree(sidecar_path(out, "").parent, ignore_errors=True)
            return Records(out)
    if not allow_missing:
        _check_counts(manifest)
    shards = plan_shards(manifest, tracks_per_shard)
    all_jobs = [_job(manifest, shard, out, storage, frontend) for shard in shards]
    plan["tool_versions"] = tool_versions()
    earlier_plan = {**finished["plan"], "tool_versions": finished.get("tool_versions")} if finished else read_plan(out)
    _check_plan(out, plan, earlier_plan)
    _check_tables(out)
    if finished:
        restore_sidecars(out, manifest, all_jobs)
    to_do = [job for job in all_jobs if not _is_done(job, manifest, allow_missing)]
    if not allow_missing:
        _check_files(manifest, to_do)
    with work_folder(out, plan, repair=finished is not None):
        total = len(manifest.tracks)
        done_before = total - sum(len(job.tracks) for job in to_do)
        report = report or (lambda done, total: None)
        report(done_before, total)
        write_shards(to_do, jobs or usable_cores(), lambda done: report(done_before + done, total))
        notes = write_tables(manifest, all_jobs, out, plan, allow_missing)
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return Records(out)


def _check_arguments(storage: str, jobs: int | None, tracks_per_shard: int) -> None:
    if storage not in STORAGES:
        raise UnknownNameError.of("storage", storage, STORAGES)
    if jobs is not None and jobs < 1:
        raise ValueError(f"`jobs` must be 1 or more. Received: {jobs}.")
    if tracks_per_shard < 1:
        raise ValueError(f"`tracks_per_shard` must be 1 or more. Received: {tracks_per_shard}.")


def _check_plan(out: Path, asked: dict[str, Any], found: dict[str, Any] | None) -> None:
    if found is not None and (differing := differences(asked, found)):
        raise RecordsError(
            f"{str(out)!r} holds records that were prepared with other settings: {differing}. Nothing was changed. "
            "Use the same dataset and options, choose another folder, or delete this one first."
        )


def _check_tables(out: Path) -> None:
    """Refuses to replace a user's table that happens to have one of our names, such as the table to prepare."""
    for name, row in ((TRACKS_FILE, StoredTrack), (SKIPPED_FILE, Skipped)):
        path = out / name
        if path.is_file() and not path.read_bytes().startswith(",".join(row.__dataclass_fields__).encode()):
            raise RecordsError(
                f"{str(path)!r} is not a table of records, and would be overwritten. Choose another folder."
            )


def _is_done(job: ShardJob, manifest: Manifest, allow_missing: bool) -> bool:
    """Whether a shard can stay as it is. A missing track that is required is tried again: its file may be back."""
    result = job.result()
    if result is None or allow_missing:
        return result is not None
    return not any(is_required(manifest, skipped["reason"]) for skipped in result["skipped"])


def _check_counts(manifest: Manifest) -> None:
    published = dict(manifest.published_counts)
    if published and manifest.counts != {**dict.fromkeys(manifest.counts, 0), **published}:
        raise DatasetError(
            f"The counts of {manifest.dataset} ({manifest.split}) differ from the published ones: "
            f"{_counts(manifest.counts)}; published: {_counts(published)}. Is the download complete? "
            "To continue with the files you have, pass --allow-missing (`allow_missing=True`)."
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
    return ShardJob(
        out / shard.name, sidecar_path(out, shard.name), shard.part, tracks, len(position), storage, frontend
    )

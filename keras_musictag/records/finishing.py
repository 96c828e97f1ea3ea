"""The last step of preparing: all sidecars become `tracks.csv`, `skipped.csv` and, last, `dataset.json`."""

from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from keras_musictag.errors import DatasetError, quantity
from keras_musictag.files import write_csv, write_json
from keras_musictag.records.folder import DATASET_FILE, SKIPPED_FILE, TRACKS_FILE, StoredTrack, top_reasons
from keras_musictag.records.manifest import Manifest, Skipped
from keras_musictag.records.schema import PARTS, SAMPLE_RATE_HZ, VERSION
from keras_musictag.records.shards import MISSING, ShardJob


def write_tables(
    manifest: Manifest, jobs: Sequence[ShardJob], out: Path, plan: dict[str, Any], allow_missing: bool
) -> list[str]:
    """Writes the three files that turn a folder of shards into a folder of records.

    Args:
        manifest: Manifest of the dataset.
        jobs: All shards, each of them done.
        out: The folder.
        plan: The plan they follow.
        allow_missing: Whether tracks may be missing.

    Returns:
        Notes for the user, one sentence each.

    Raises:
        DatasetError: If required tracks are missing, or a part has lost all its tracks; `skipped.csv` is written first.
    """
    results = {job: job.result() for job in jobs}
    tracks = sorted(
        (StoredTrack(**{**row, "tags": tuple(row["tags"])}) for result in results.values() for row in result["rows"]),
        key=lambda track: track.track_index,
    )
    failed = [Skipped(**row) for result in results.values() for row in result["skipped"]]
    order = {track.track_id: index for index, track in enumerate(manifest.tracks)}
    failed.sort(key=lambda skipped: order[skipped.track_id])
    skipped = [*manifest.skipped, *failed]
    write_csv(out / SKIPPED_FILE, Skipped.__dataclass_fields__, map(astuple, skipped))
    _check_failures(manifest, failed, out, allow_missing)
    write_csv(out / TRACKS_FILE, StoredTrack.__dataclass_fields__, (track.to_row().values() for track in tracks))
    shards = {
        job.path.name: {
            "part": job.part,
            "tracks": len(result["rows"]),
            "bytes": result["bytes"],
            "sha256": result["sha256"],
        }
        for job, result in results.items()
    }
    write_json(out / DATASET_FILE, _describe(manifest, tracks, shards, len(skipped), plan))
    return _notes(failed, [tuple(note) for result in results.values() for note in result["notes"]])


def _describe(
    manifest: Manifest, tracks: list[StoredTrack], shards: dict[str, dict], num_skipped: int, plan: dict[str, Any]
) -> dict[str, Any]:
    """The content of `dataset.json`. It has no time stamps: the same input gives the same bytes."""
    return {
        "version": VERSION,
        "dataset": manifest.dataset,
        "dataset_version": manifest.dataset_version,
        "split": manifest.split,
        "split_sha256": manifest.split_sha256,
        "storage": plan["storage"],
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "tags": manifest.vocabulary.to_list(),
        "licence": manifest.licence,
        "citation": manifest.citation,
        "features": plan["features"],
        "parts": {part: summarise_part(tracks, part, len(manifest.vocabulary)) for part in PARTS},
        "shards": shards,
        "skipped": num_skipped,
        "tool_versions": plan["tool_versions"],
        "plan": {name: value for name, value in plan.items() if name != "tool_versions"},
    }


def summarise_part(tracks: Sequence[StoredTrack], part: str, num_tags: int) -> dict[str, Any]:
    """How many tracks and seconds a part has, and how many positives each tag has in it."""
    own = [track for track in tracks if track.part == part]
    positives = [0] * num_tags
    for track in own:
        for tag in track.tags:
            positives[tag] += 1
    seconds = sum(track.num_samples for track in own) / SAMPLE_RATE_HZ
    return {"tracks": len(own), "seconds": seconds, "positives": positives}


def is_required(manifest: Manifest, reason: str) -> bool:
    """Whether a track that was skipped for this reason may be missing only if the user allows it.

    That is so for every track of a split with published counts, and for a file that existed when the run started: the
    disk may have been disconnected.
    """
    return bool(manifest.published_counts) or reason == MISSING


def _check_failures(manifest: Manifest, failed: list[Skipped], out: Path, allow_missing: bool) -> None:
    parts = {track.track_id: track.part for track in manifest.tracks}
    lost = {part: sum(parts[skipped.track_id] == part for skipped in failed) for part in PARTS}
    emptied = [part for part, count in manifest.counts.items() if count and lost[part] == count]
    not_used = f"{len(failed):,} of {len(manifest.tracks):,} tracks of {manifest.dataset} could not be used"
    reasons = "; ".join(f"{count} x {reason}" for reason, count in top_reasons(failed)[:3])
    if not allow_missing and any(is_required(manifest, skipped.reason) for skipped in failed):
        raise DatasetError(
            f"{not_used}: {reasons} See {str(out / SKIPPED_FILE)!r}. Download these files again and run the same "
            "command, or pass --allow-missing (`allow_missing=True`) to finish without them: all others are done."
        )
    if emptied:
        raise DatasetError(
            f"{not_used}, and the part {emptied[0]!r} has none left: {reasons} See {str(out / SKIPPED_FILE)!r}. "
            "Delete the folder before you try again with other files."
        )


def _notes(failed: list[Skipped], notes: list[tuple[str, str]]) -> list[str]:
    sentences = []
    if failed:
        verb = "are" if len(failed) > 1 else "is"
        sentences.append(f"{quantity(len(failed), 'track')} could not be used and {verb} listed in {SKIPPED_FILE}.")
    if notes:
        name, note = notes[0]
        count = len({name for name, _ in notes})
        files = "1 damaged or odd file was" if count == 1 else f"{count:,} damaged or odd files were"
        sentences.append(f"{files} stored as far as possible, such as {name!r}: {note}")
    return sentences

"""A finished folder that has lost a shard or a table: what is whole is kept, so that `prepare` makes only the rest."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from keras_musictag.errors import RecordsError
from keras_musictag.records.folder import DATASET_FILE, Records, read_info, read_skipped, read_tracks
from keras_musictag.records.manifest import Manifest
from keras_musictag.records.tables import write_json
from keras_musictag.records.writing.shard import ShardJob


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

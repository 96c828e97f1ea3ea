"""A plan: which tracks go to which shard. It follows from the manifest alone, so that a resumed run goes on with it."""

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import pairwise
from typing import Any

from keras_musictag.records.manifest import Manifest
from keras_musictag.records.schema import PARTS, TEXT, VERSION


@dataclass(frozen=True)
class ShardPlan:
    """A shard to be written.

    Attributes:
        name: Of the file.
        part: Whose tracks it holds.
        indices: Positions in the manifest, in the order of the records.
    """

    name: str
    part: str
    indices: tuple[int, ...]


def plan_shards(manifest: Manifest, tracks_per_shard: int) -> tuple[ShardPlan, ...]:
    """Divides each part into shards whose sizes differ by at most one track, each a random mix of the part.

    Args:
        manifest: Of the dataset.
        tracks_per_shard: The most tracks that a shard has.

    Returns:
        The shards, part by part.
    """
    shards = []
    for part in PARTS:
        indices = [index for index, track in enumerate(manifest.tracks) if track.part == part]
        indices.sort(key=lambda index: _mixed(manifest.tracks[index].track_id))
        count = -(-len(indices) // tracks_per_shard)
        edges = [len(indices) * number // count for number in range(count + 1)] if count else []
        for number, (begin, end) in enumerate(pairwise(edges)):
            name = f"{part}-{number:05d}-of-{count:05d}.tfrecord"
            shards.append(ShardPlan(name, part, tuple(indices[begin:end])))
    return tuple(shards)


def _mixed(track_id: str) -> bytes:
    """A key to sort by that has nothing to do with a name's beginning: one artist's tracks come apart."""
    return hashlib.sha256(track_id.encode(*TEXT)).digest()


def describe_plan(manifest: Manifest, storage: str, features: dict[str, Any] | None, tracks_per_shard: int) -> dict:
    """What decides about the bytes of a folder of records, beside the audio files: plain data."""
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
    """Of what decodes and resamples."""
    return {name: version(name) for name in ("keras_musictag", "av", "soxr", "numpy")}


def differences(asked: dict[str, Any], found: dict[str, Any]) -> str:
    """What is not the same in two plans, for a message; empty if all is."""
    # records that were made before the number was kept are the same where the list's hash is
    differing = [name for name in asked if name != "num_tracks" and asked[name] != found.get(name)]
    return ", ".join(_difference(name, asked, found) for name in differing)


def _difference(name: str, asked: dict[str, Any], found: dict[str, Any]) -> str:
    then, now = found.get(name), asked[name]
    if name == "tags_sha256":
        return "the list of tags changed"
    if name == "tracks_sha256":
        before, after = found.get("num_tracks", "?"), asked["num_tracks"]
        if before == after:
            return f"the list of tracks changed (still {after}, but other names, tags, parts or files left out)"
        return f"the list of tracks changed ({before}, now {after})"
    if name == "features":
        before, after = (features_of(features) for features in (then, now))
        return f"features {before}, now {after}" + (" with other settings" if before == after else "")
    if name == "tool_versions":
        changed = [tool for tool in now if now[tool] != (then or {}).get(tool)]
        return ", ".join(f"{tool} {(then or {}).get(tool)}, now {now[tool]}" for tool in changed)
    return f"{name} {then!r}, now {now!r}"


def features_of(features: dict[str, Any] | None) -> str:
    """What `dataset.json` says of stored features, in a word: the architecture they are for, or the front end."""
    return "none" if features is None else features.get("architecture", features["name"])


def _sha256(content: Any) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()

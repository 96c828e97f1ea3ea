"""Checks a folder of records: reads every byte, and compares all that can be compared."""

import hashlib
import io
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag.audio.downmix import SILENCE_PEAK
from keras_musictag.audio.reading import open_audio
from keras_musictag.audio.samples import to_floats
from keras_musictag.errors import RecordsError, quantity
from keras_musictag.records.finishing import summarise_part
from keras_musictag.records.folder import TRACKS_FILE, Records, StoredTrack, read_info, read_tracks, wrong_sizes
from keras_musictag.records.schema import (
    FOOTER_BYTES,
    HEADER_BYTES,
    PARTS,
    REPAIR,
    SAMPLE_RATE_HZ,
    Record,
    decode,
    read_at,
)

CLIPPED_SHARE = 0.1  # of a track's samples at full scale: the loudest masters reach a few per cent
ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """A fault, or something that the user should know.

    Attributes:
        level: "error" (the records are damaged, or scores would be wrong) or "warning".
        kind: What was checked, such as "checksum".
        shard: The file, or "".
        offset: Start of the record in it, bytes; None if the finding is not about one record.
        track_id: The track, or "".
        message: One sentence.
    """

    level: str
    kind: str
    shard: str
    offset: int | None
    track_id: str
    message: str


def check_records(
    folder: str | os.PathLike, *, decode_audio: bool = False, report: Callable[[int, int], None] | None = None
) -> tuple[Finding, ...]:
    """Reads all records and compares them with `dataset.json`, `tracks.csv` and each other.

    Args:
        folder: A folder that `keras-musictag prepare` has finished.
        decode_audio: Whether to decode compressed files too, to check their length and silence: as slow as preparing.
        report: Called regularly with the number of tracks that are done and the total.

    Returns:
        The findings, errors first; empty if nothing is wrong.

    Raises:
        FileNotFoundError: If the folder holds no finished records.
        RecordsError: If `dataset.json` or `tracks.csv` cannot be read.
    """
    folder = Path(folder)
    info, tracks = read_info(folder), read_tracks(folder)
    findings = [Finding(ERROR, "size", "", None, "", sentence) for sentence in wrong_sizes(folder, info)]
    findings += _check_counts(info, tracks)
    by_shard = defaultdict(list)
    for track in tracks:
        by_shard[track.shard].append(track)
    done = 0
    for shard, own in by_shard.items():
        if (folder / shard).is_file():
            own.sort(key=lambda track: track.offset)
            for finding in _check_shard(folder, shard, own, info, decode_audio):
                if finding is not None:
                    findings.append(finding)
                else:  # a track is done
                    done += 1
                    if report:
                        report(done, len(tracks))
    findings += [*_unlisted(folder, info), *_duplicates(tracks)]
    return tuple(sorted(findings, key=lambda finding: finding.level != ERROR))


def find_damage(records: Records) -> RecordsError | None:
    """Reads every record until one is damaged.

    Args:
        records: An open folder of records.

    Returns:
        An error that names shard, byte and track, or None if no record is damaged.
    """
    for track in records:
        try:
            records.read(track)
        except (RecordsError, OSError) as error:
            return RecordsError(f"Track {track.track_id!r} cannot be read: {error}")
    return None


def _check_counts(info: dict[str, Any], tracks: tuple[StoredTrack, ...]) -> Iterator[Finding]:
    num_tags = len(info["tags"])
    for track in tracks:
        if track.part not in PARTS:
            yield _finding(track, "part", f"Its part in {TRACKS_FILE} is {track.part!r}; expected one of {PARTS}.")
        if not all(0 <= tag < num_tags for tag in track.tags):
            yield _finding(
                track, "labels", f"Its tags in {TRACKS_FILE} are {track.tags}; expected positions below {num_tags}."
            )
            return  # tags cannot be counted
    for part in PARTS:
        counted = summarise_part(tracks, part, num_tags)
        for name, value in info["parts"][part].items():
            if counted[name] != value:
                message = f"{name} of {part}: {value} in dataset.json, {counted[name]} in {TRACKS_FILE}."
                yield Finding(ERROR, "counts", "", None, "", message)
    counts = Counter(track.shard for track in tracks)
    for shard in sorted({*info["shards"], *counts}):
        stated = info["shards"][shard]["tracks"] if shard in info["shards"] else 0
        if counts[shard] != stated:
            message = f"{quantity(stated, 'track')} in dataset.json, {counts[shard]} in {TRACKS_FILE}."
            yield Finding(ERROR, "counts", shard, None, "", message)


def _check_shard(
    folder: Path, shard: str, tracks: list[StoredTrack], info: dict[str, Any], decode_audio: bool
) -> Iterator[Finding | None]:
    """Yields findings, and None after each track."""
    end = 0
    with open(folder / shard, "rb") as file:
        for track in tracks:
            if track.offset != end:
                yield _finding(
                    track,
                    "offset",
                    f"The previous record ends at byte {end}. Does {TRACKS_FILE} belong to other shards?",
                )
            try:
                payload = read_at(file, track.offset, shard)
                if payload is None:
                    raise RecordsError(f"The file ends before byte {track.offset}. {REPAIR}")
                end = track.offset + HEADER_BYTES + len(payload) + FOOTER_BYTES
                record = decode(payload)
            except RecordsError as error:
                message = str(error).removeprefix(f"{shard}, record at byte {track.offset}: ")  # the finding has both
                yield _finding(
                    track, "checksum" if "checksum" in message else "record", message[:1].upper() + message[1:]
                )
                end = _next_offset(tracks, track, file.seek(0, os.SEEK_END))
            else:
                for kind, message in _check_record(record, track, len(info["tags"]), info["storage"], decode_audio):
                    yield _finding(track, kind, message, WARNING if kind in ("silence", "clipped") else ERROR)
            yield None
        size = file.seek(0, os.SEEK_END)
    if end != size:
        message = f"The last record ends at byte {end}; the file has {size} bytes."
        yield Finding(ERROR, "offset", shard, end, "", message)


def _next_offset(tracks: list[StoredTrack], track: StoredTrack, size: int) -> int:
    """Start of the record after a damaged one, whose own length may be wrong."""
    return next((other.offset for other in tracks if other.offset > track.offset), size)


def _check_record(
    record: Record, track: StoredTrack, num_tags: int, storage: str, decode_audio: bool
) -> Iterator[tuple[str, str]]:
    """Yields the kind of each fault, and a sentence about it."""
    for name in ("track_index", "track_id", "part", "subset", "num_samples"):
        stored, listed = getattr(record, name), getattr(track, name)
        if stored != listed:
            yield name, f"{name} {stored!r} in the record, {listed!r} in {TRACKS_FILE}."
    if record.labels.shape != (num_tags,) or not np.isin(record.labels, (0, 1)).all():
        yield "labels", f"Labels must be {num_tags} values of 0 or 1. Received: {record.labels.tolist()}."
    elif tuple(np.flatnonzero(record.labels)) != track.tags:
        yield (
            "labels",
            f"Tags {np.flatnonzero(record.labels).tolist()} in the record, {list(track.tags)} in {TRACKS_FILE}.",
        )
    if record.storage != storage or record.sample_rate_hz != SAMPLE_RATE_HZ:
        yield (
            "audio",
            f"It holds {record.storage} at {record.sample_rate_hz} Hz; expected {storage} at {SAMPLE_RATE_HZ}.",
        )
    if hashlib.sha256(record.audio).hexdigest() != track.audio_sha256:
        yield "audio", f"The SHA-256 of the audio differs from the one in {TRACKS_FILE}."
    elif record.storage == "pcm" or decode_audio:
        yield from _check_samples(record)


def _check_samples(record: Record) -> Iterator[tuple[str, str]]:
    try:
        if record.storage == "pcm":
            samples = to_floats(np.frombuffer(record.audio, "<i2"))
        else:
            with open_audio(io.BytesIO(record.audio), SAMPLE_RATE_HZ) as stream:  # the mix, as in training
                samples = np.concatenate(list(stream))
    except ValueError as error:  # includes AudioError, and bytes that are not whole samples
        yield "audio", f"It cannot be decoded: {error}"
        return
    if len(samples) != record.num_samples:
        yield "num_samples", f"It has {len(samples)} samples; the record states {record.num_samples}."
    peak = float(np.abs(samples).max(initial=0))
    if peak < SILENCE_PEAK:
        yield "silence", f"It is silent: the peak is {peak:.2g}, below {SILENCE_PEAK:g} (-60 dB)."
    clipped = float(np.mean(np.abs(samples) > 0.9999)) if len(samples) else 0.0
    if clipped > CLIPPED_SHARE:
        yield "clipped", f"{clipped:.0%} of the samples are at full scale: was it clipped, or never scaled?"


def same_audio(tracks: Iterable[StoredTrack]) -> Iterator[tuple[StoredTrack, StoredTrack]]:
    """Yields pairs of tracks with the same stored audio: the first one that has it, then each other."""
    first: dict[str, StoredTrack] = {}
    for track in tracks:
        if first.setdefault(track.audio_sha256, track) is not track:
            yield first[track.audio_sha256], track


def _duplicates(tracks: Iterable[StoredTrack]) -> Iterator[Finding]:
    for first, other in same_audio(tracks):
        if first.part == other.part:
            message = f"The same audio as {first.track_id!r}, in the same part."
            yield _finding(other, "duplicate", message, WARNING)
        else:
            message = (
                f"The same audio as {first.track_id!r}, in {first.part}: results on the other part would be too good."
            )
            yield _finding(other, "leakage", message)


def _unlisted(folder: Path, info: dict[str, Any]) -> Iterator[Finding]:
    for path in sorted(folder.glob("*.tfrecord")):
        if path.name not in info["shards"]:
            message = "It is not a shard in dataset.json. Is it from an earlier run? Nothing reads it: delete it."
            yield Finding(WARNING, "unlisted", path.name, None, "", message)


def _finding(track: StoredTrack, kind: str, message: str, level: str = ERROR) -> Finding:
    return Finding(level, kind, track.shard, track.offset, track.track_id, message)

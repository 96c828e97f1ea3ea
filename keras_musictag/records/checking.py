"""Which file is damaged: tf.data says "corrupted record at 1234", and not in which shard.

Checks a folder of records: every byte is read, and everything that can be compared is.
"""

import hashlib
import io
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_musictag.audio.downmix import SILENCE_PEAK
from keras_musictag.audio.reading import open_audio
from keras_musictag.audio.samples import to_floats
from keras_musictag.errors import RecordsError
from keras_musictag.records.folder import TRACKS_FILE, Records, StoredTrack, read_info, read_tracks, wrong_sizes
from keras_musictag.records.schema import (
    FOOTER_BYTES,
    HEADER_BYTES,
    PARTS,
    REPAIR,
    SAMPLE_RATE_HZ,
    Record,
    decode,
    many,
    read_at,
)
from keras_musictag.records.shards import summary


@contextmanager
def naming_damage(records: Records) -> Iterator[None]:
    """Turns tf.data's error about damaged records into one that names shard, byte and track.

    Args:
        records: What is being read, such as by `model.fit`.

    Raises:
        RecordsError: Where the code inside raised because of a damaged record.
    """
    try:
        yield
    except tf.errors.DataLossError as error:
        raise find_damage(records) or RecordsError(
            f"A record of {str(records.folder)!r} could not be read, and now all of them can: is the disk failing, or "
            f"is the folder being written? TensorFlow says: {error.message}"
        ) from error
    except tf.errors.UnknownError as error:  # raised by our own reading inside tf.data, which keeps the text only
        found = find_damage(records) if RecordsError.__name__ in error.message else None
        if found is None:
            raise
        raise found from error


def find_damage(records: Records) -> RecordsError | None:
    """Reads every record until one is damaged.

    Args:
        records: An open folder of records.

    Returns:
        An error that names shard, byte and track, or None if all is well.
    """
    for track in records:
        try:
            records.read(track)
        except (RecordsError, OSError) as error:
            return RecordsError(f"Track {track.track_id!r} cannot be read: {error}")
    return None


CLIPPED_SHARE = 0.1  # of a track's samples at full scale: the loudest masters have some per cent
ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or that a user should know.

    Attributes:
        level: "error" (the records are damaged, or scores would be) or "warning".
        kind: What was checked, such as "checksum".
        shard: The file, or "".
        offset: Where the record begins in it, bytes; None if it is about no single record.
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
        folder: What `keras-musictag prepare` wrote.
        decode_audio: Decode compressed files too, and check their length and silence: as slow as preparing.
        report: Called now and then with the number of tracks that are done, and of all.

    Returns:
        What was found, errors first; empty if all is well.

    Raises:
        FileNotFoundError: If there are no finished records.
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


def _check_counts(info: dict[str, Any], tracks: tuple[StoredTrack, ...]) -> Iterator[Finding]:
    num_tags = len(info["tags"])
    for track in tracks:
        if track.part not in PARTS:
            yield _of(track, "part", f"{TRACKS_FILE} gives it the part {track.part!r}; expected one of {PARTS}.")
        if not all(0 <= tag < num_tags for tag in track.tags):
            yield _of(track, "labels", f"{TRACKS_FILE} gives it the tags {track.tags}; there are {num_tags}.")
            return  # and nothing can be counted
    for part in PARTS:
        counted = summary(tracks, part, num_tags)
        for name, value in info["parts"][part].items():
            if counted[name] != value:
                message = f"{name} of {part}: {value} in dataset.json, {counted[name]} in {TRACKS_FILE}."
                yield Finding(ERROR, "counts", "", None, "", message)
    counts = Counter(track.shard for track in tracks)
    for shard in sorted({*info["shards"], *counts}):
        stated = info["shards"][shard]["tracks"] if shard in info["shards"] else 0
        if counts[shard] != stated:
            message = f"{many(stated, 'track')} in dataset.json, {counts[shard]} in {TRACKS_FILE}."
            yield Finding(ERROR, "counts", shard, None, "", message)


def _check_shard(
    folder: Path, shard: str, tracks: list[StoredTrack], info: dict[str, Any], decode_audio: bool
) -> Iterator[Finding | None]:
    """Yields findings, and None after each track."""
    end = 0
    with open(folder / shard, "rb") as file:
        for track in tracks:
            if track.offset != end:
                yield _of(
                    track, "offset", f"The record before it ends at byte {end}: is {TRACKS_FILE} of other shards?"
                )
            try:
                payload = read_at(file, track.offset, shard)
                if payload is None:
                    raise RecordsError(f"The file ends before byte {track.offset}. {REPAIR}")
                end = track.offset + HEADER_BYTES + len(payload) + FOOTER_BYTES
                record = decode(payload)
            except RecordsError as error:
                message = str(error).removeprefix(f"{shard}, record at byte {track.offset}: ")  # the finding has both
                yield _of(track, "checksum" if "checksum" in message else "record", message[:1].upper() + message[1:])
                end = _next_offset(tracks, track, file.seek(0, os.SEEK_END))
            else:
                for kind, message in _check_record(record, track, len(info["tags"]), info["storage"], decode_audio):
                    yield _of(track, kind, message, WARNING if kind in ("silence", "clipped") else ERROR)
            yield None
        size = file.seek(0, os.SEEK_END)
    if end != size:
        message = f"The last record ends at byte {end}; the file has {size} bytes."
        yield Finding(ERROR, "offset", shard, end, "", message)


def _next_offset(tracks: list[StoredTrack], track: StoredTrack, size: int) -> int:
    """Where the record after a damaged one begins: its own length may not be right."""
    return next((other.offset for other in tracks if other.offset > track.offset), size)


def _check_record(
    record: Record, track: StoredTrack, num_tags: int, storage: str, decode_audio: bool
) -> Iterator[tuple[str, str]]:
    """Yields kind and sentence of what is wrong."""
    for name in ("track_index", "track_id", "part", "subset", "num_samples"):
        stored, listed = getattr(record, name), getattr(track, name)
        if stored != listed:
            yield name, f"{name} {stored!r} in the record, {listed!r} in {TRACKS_FILE}."
    if record.labels.shape != (num_tags,) or not np.isin(record.labels, (0, 1)).all():
        yield "labels", f"Labels must be {num_tags} of 0 or 1. Received: {record.labels.tolist()}."
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
        yield "audio", f"The audio has another SHA-256 than in {TRACKS_FILE}."
    elif record.storage == "pcm" or decode_audio:
        yield from _check_samples(record)


def _check_samples(record: Record) -> Iterator[tuple[str, str]]:
    try:
        if record.storage == "pcm":
            samples = to_floats(np.frombuffer(record.audio, "<i2"))
        else:
            with open_audio(io.BytesIO(record.audio), SAMPLE_RATE_HZ) as stream:  # the mix, as in training
                samples = np.concatenate(list(stream))
    except ValueError as error:  # an AudioError, too; bytes that are no whole samples
        yield "audio", f"It cannot be decoded: {error}"
        return
    if len(samples) != record.num_samples:
        yield "num_samples", f"It has {len(samples)} samples; the record says {record.num_samples}."
    peak = float(np.abs(samples).max(initial=0))
    if peak < SILENCE_PEAK:
        yield "silence", f"It is silent: the peak is {peak:.2g}, below {SILENCE_PEAK:g} (-60 dB)."
    clipped = float(np.mean(np.abs(samples) > 0.9999)) if len(samples) else 0.0
    if clipped > CLIPPED_SHARE:
        yield "clipped", f"{clipped:.0%} of the samples are at full scale: was it clipped, or never scaled?"


def same_audio(tracks: Iterable[StoredTrack]) -> Iterator[tuple[StoredTrack, StoredTrack]]:
    """Yields each track whose stored audio another one before it has, behind that other one."""
    first: dict[str, StoredTrack] = {}
    for track in tracks:
        if first.setdefault(track.audio_sha256, track) is not track:
            yield first[track.audio_sha256], track


def _duplicates(tracks: Iterable[StoredTrack]) -> Iterator[Finding]:
    for first, other in same_audio(tracks):
        if first.part == other.part:
            message = f"The same audio as {first.track_id!r}, in the same part."
            yield _of(other, "duplicate", message, WARNING)
        else:
            message = f"The same audio as {first.track_id!r}, in {first.part}: what was learned is tested."
            yield _of(other, "leakage", message)


def _unlisted(folder: Path, info: dict[str, Any]) -> Iterator[Finding]:
    for path in sorted(folder.glob("*.tfrecord")):
        if path.name not in info["shards"]:
            message = "It is no shard of this dataset.json: of an earlier run? Nothing reads it; delete it."
            yield Finding(WARNING, "unlisted", path.name, None, "", message)


def _of(track: StoredTrack, kind: str, message: str, level: str = ERROR) -> Finding:
    return Finding(level, kind, track.shard, track.offset, track.track_id, message)

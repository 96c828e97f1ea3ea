"""One shard: its tracks are decoded and written, and a sidecar says what it holds. Run by worker processes.

The end of preparing: all sidecars become `tracks.csv`, `skipped.csv` and, last, `dataset.json`.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from keras_musictag.audio.reading import decode_with
from keras_musictag.audio.samples import to_floats
from keras_musictag.audio.stream import AudioStream
from keras_musictag.errors import AudioError, DatasetError, MusicTagError
from keras_musictag.files import whole_file, write_csv, write_json
from keras_musictag.records.folder import DATASET_FILE, SKIPPED_FILE, TRACKS_FILE, StoredTrack, top_reasons
from keras_musictag.records.manifest import Manifest, Skipped, Track
from keras_musictag.records.schema import PARTS, SAMPLE_RATE_HZ, VERSION, Record, encode, frame, many, to_pcm

MAX_SECONDS = 2 * 3600.0  # a record lies in memory whole: 230 MB of samples
MISSING = "The file is missing."
CLIPPED_SHARE = 0.01  # of a track's samples, from which on a note tells: a decoder overshoots here and there
MAX_SOURCE_BYTES = 2**30  # a protocol buffer holds less than 2 GB


class FeatureMaker(Protocol):
    """What `prepare` takes to store features: picklable, hashable, and plain until a worker loads it."""

    def to_dict(self) -> dict[str, Any]:
        """What `dataset.json` says of the features: name and config."""

    def load(self) -> Callable[[np.ndarray], np.ndarray]:
        """A function of float32 (samples,) at 16 kHz that returns float32 (frames, bands)."""


@dataclass(frozen=True)
class ShardJob:
    """What a worker must know to write a shard.

    Attributes:
        path: The shard.
        sidecar: The file beside which it is written, and that says when it is done.
        part: Whose tracks it holds.
        tracks: Track index, track, positions of its tags, audio file; in the order of the records.
        num_tags: Width of the labels.
        storage: "pcm" or "source".
        frontend: Makes the features, or None.
    """

    path: Path
    sidecar: Path
    part: str
    tracks: tuple[tuple[int, Track, tuple[int, ...], Path], ...]
    num_tags: int
    storage: str
    frontend: FeatureMaker | None

    def result(self) -> dict[str, Any] | None:
        """The content of the sidecar; None unless the shard is done."""
        try:
            result = json.loads(self.sidecar.read_text(encoding="utf-8"))
            return result if self.path.stat().st_size == result["bytes"] else None
        except (FileNotFoundError, ValueError):
            return None


def write_shard(job: ShardJob, after_track: Callable[[], None]) -> None:
    """Writes a shard, then its sidecar. Tracks that cannot be used are left out, and the sidecar says why.

    Args:
        job: What to write.
        after_track: Called after each track; may raise to end the work, and nothing is left of the shard.

    Raises:
        OSError: If the shard cannot be written.
        MemoryError: If there is not enough memory for a track.
    """
    features_of = load_frontend(job.frontend) if job.frontend else None
    rows, skipped, notes, digest = [], [], [], hashlib.sha256()
    with whole_file(job.path, job.sidecar.parent) as scratch, open(scratch, "wb") as file:
        for index, track, tags, path in job.tracks:
            try:
                audio, num_samples, features, said = load_track(path, job.storage, features_of)
            except MemoryError as error:  # no fault of the file: those after it would fail, too
                raise MemoryError(f"{str(path)!r} takes more memory than there is. Try fewer jobs.") from error
            except Exception as error:  # whatever is wrong with one file must not stop the others
                skipped.append(asdict(Skipped(track.track_id, track.path, _reason(error, path, track))))
            else:
                labels = np.zeros(job.num_tags, np.int64)
                labels[list(tags)] = 1
                facts = (index, track.track_id, track.part, track.subset)
                record = Record(*facts, labels, SAMPLE_RATE_HZ, num_samples, job.storage, audio, features)
                framed = frame(encode(record))
                where = (track.path, job.path.name, file.tell(), num_samples, hashlib.sha256(audio).hexdigest())
                rows.append(asdict(StoredTrack(*facts, *where, tags)))
                notes += [(track.track_id, note) for note in said]
                file.write(framed)
                digest.update(framed)
            after_track()
        size = file.tell()
    result = {"bytes": size, "sha256": digest.hexdigest(), "rows": rows, "skipped": skipped, "notes": notes}
    write_json(job.sidecar, result)


def load_track(path: Path, storage: str, features_of: Callable | None) -> tuple[bytes, int, np.ndarray | None, tuple]:
    """Decodes a file.

    Args:
        path: The file.
        storage: "pcm" or "source".
        features_of: Samples -> features, or None.

    Returns:
        What is stored of the audio, how many samples it decodes to, features or None, notes of the decoder.

    Raises:
        AudioError: If it cannot be used as audio, is empty, or is too long or too large for a record.
        FileNotFoundError: If there is no such file.
        ValueError: If it is too short for features.
    """
    (pcm, clipped), stream = decode_with(_pcm, path, SAMPLE_RATE_HZ, MAX_SECONDS)
    if not pcm:
        raise AudioError("The track is shorter than one sample.")
    if storage == "source" and stream.is_alone:  # what is stored would be decoded to the mix
        raise AudioError(f"{stream.notes[-1]} Storage 'source' cannot do so: use storage 'pcm'.")
    share = clipped / (len(pcm) // 2)
    notes = stream.notes
    if share > CLIPPED_SHARE:
        notes += (f"{share:.1%} of the samples lie beyond full scale and were clipped.",)
    audio = pcm if storage == "pcm" else _source_bytes(path)
    # of what is stored or, from a compressed file, will be decoded: 16 bits
    features = features_of(to_floats(np.frombuffer(pcm, "<i2"))) if features_of else None
    return audio, len(pcm) // 2, features, notes


def _pcm(stream: AudioStream) -> tuple[bytes, int]:
    """Returns 16-bit samples, and how many of them had to be clipped."""
    parts, clipped = [], 0
    for block in stream:
        parts.append(to_pcm(block).tobytes())
        clipped += int(np.count_nonzero(np.abs(block) > 1))
    return b"".join(parts), clipped


def _source_bytes(path: Path) -> bytes:
    size = path.stat().st_size
    if size > MAX_SOURCE_BYTES:
        raise AudioError(f"The file has {size} bytes; a record holds at most {MAX_SOURCE_BYTES}. Try storage 'pcm'.")
    return path.read_bytes()


@cache
def load_frontend(frontend: FeatureMaker) -> Callable[[np.ndarray], np.ndarray]:
    """Loads a front end once a process."""
    return frontend.load()


def _reason(error: Exception, path: Path, track: Track) -> str:
    """Why a track was skipped, the same wherever the raw dataset lies."""
    if isinstance(error, FileNotFoundError):
        return MISSING
    text = " ".join(str(error).split()).replace(repr(str(path)), repr(track.path))
    return text if isinstance(error, MusicTagError | ValueError) and text else f"{type(error).__name__}: {text}"


def write_tables(
    manifest: Manifest, jobs: Sequence[ShardJob], out: Path, plan: dict[str, Any], allow_missing: bool
) -> list[str]:
    """Writes the three files that make a folder of shards a folder of records.

    Args:
        manifest: Of the dataset.
        jobs: All shards, each of them done.
        out: The folder.
        plan: What was asked for.
        allow_missing: Whether tracks may be missing.

    Returns:
        Sentences about what a user should know.

    Raises:
        DatasetError: If tracks are missing that may not be, or a part has none; `skipped.csv` is written before.
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
    """The content of `dataset.json`. No time stamps: the same input gives the same bytes."""
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
        "parts": {part: summary(tracks, part, len(manifest.vocabulary)) for part in PARTS},
        "shards": shards,
        "skipped": num_skipped,
        "tool_versions": plan["tool_versions"],
        "plan": {name: value for name, value in plan.items() if name != "tool_versions"},
    }


def summary(tracks: Sequence[StoredTrack], part: str, num_tags: int) -> dict[str, Any]:
    """How many tracks and seconds a part has, and how many positives each tag."""
    own = [track for track in tracks if track.part == part]
    positives = [0] * num_tags
    for track in own:
        for tag in track.tags:
            positives[tag] += 1
    seconds = sum(track.num_samples for track in own) / SAMPLE_RATE_HZ
    return {"tracks": len(own), "seconds": seconds, "positives": positives}


def must_be_there(manifest: Manifest, reason: str) -> bool:
    """Whether a track that was skipped for a reason may be left out only where that is allowed.

    Each track of published counts, and each file that was there at the beginning: a disk may have been taken away.
    """
    return bool(manifest.published_counts) or reason == MISSING


def _check_failures(manifest: Manifest, failed: list[Skipped], out: Path, allow_missing: bool) -> None:
    parts = {track.track_id: track.part for track in manifest.tracks}
    lost = {part: sum(parts[skipped.track_id] == part for skipped in failed) for part in PARTS}
    emptied = [part for part, count in manifest.counts.items() if count and lost[part] == count]
    not_used = f"{len(failed):,} of {len(manifest.tracks):,} tracks of {manifest.dataset} could not be used"
    reasons = "; ".join(f"{count} x {reason}" for reason, count in top_reasons(failed)[:3])
    if not allow_missing and any(must_be_there(manifest, skipped.reason) for skipped in failed):
        raise DatasetError(
            f"{not_used}: {reasons} See {str(out / SKIPPED_FILE)!r}. Download these files again and run the same "
            "command, or finish without them by --allow-missing (`allow_missing=True`): all the others are done."
        )
    if emptied:
        raise DatasetError(
            f"{not_used}, and the part {emptied[0]!r} has none left: {reasons} See {str(out / SKIPPED_FILE)!r}, and "
            "delete the folder before you try again with other files."
        )


def _notes(failed: list[Skipped], notes: list[tuple[str, str]]) -> list[str]:
    sentences = []
    if failed:
        verb = "are" if len(failed) > 1 else "is"
        sentences.append(f"{many(len(failed), 'track')} could not be used and {verb} in {SKIPPED_FILE}.")
    if notes:
        name, note = notes[0]
        count = len({name for name, _ in notes})
        files = "1 damaged or odd file was" if count == 1 else f"{count:,} damaged or odd files were"
        sentences.append(f"{files} stored as far as possible, as {name!r}: {note}")
    return sentences

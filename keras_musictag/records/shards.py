"""Writes shards, in worker processes: the tracks of each are decoded and written, and a sidecar says what it holds.

The workers load TensorFlow only if features are requested, and end with their parent.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, wait
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from keras_musictag.audio.reading import decode_with
from keras_musictag.audio.samples import to_floats
from keras_musictag.audio.stream import AudioStream
from keras_musictag.errors import AudioError, MusicTagError, RecordsError
from keras_musictag.files import whole_file, write_json
from keras_musictag.processes import SPAWN, begin_worker, worker_pool
from keras_musictag.records.folder import StoredTrack
from keras_musictag.records.manifest import Skipped, Track
from keras_musictag.records.schema import SAMPLE_RATE_HZ, Record, encode, to_pcm, to_tfrecord

MAX_SECONDS = 2 * 3600.0  # a whole record is held in memory: 230 MB of samples
MISSING = "The file is missing."
CLIPPED_SHARE = 0.01  # of a track's samples; below it there is no note, as decoders overshoot now and then
MAX_SOURCE_BYTES = 2**30  # a protocol buffer holds less than 2 GB
POLL_SECONDS = 0.2  # how often progress is reported
_shared = None  # in a worker: the number of finished tracks, and whether to stop


class FeatureMaker(Protocol):
    """What `prepare` takes to store features: picklable, hashable, and plain until a worker loads it."""

    def to_dict(self) -> dict[str, Any]:
        """The entry for `dataset.json`: name and config."""

    def load(self) -> Callable[[np.ndarray], np.ndarray]:
        """A function of float32 (samples,) at 16 kHz that returns float32 (frames, bands)."""


@dataclass(frozen=True)
class ShardJob:
    """Everything a worker needs to write a shard.

    Attributes:
        path: The shard.
        sidecar: The file that says when the shard is done; the shard is written in its folder first.
        part: Whose tracks it holds.
        tracks: Track index, track, positions of its tags, audio file; in the order of the records.
        num_tags: Number of tags, the width of the labels.
        storage: "pcm" or "source".
        frontend: Computes the features, or None.
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
    """Writes a shard, then its sidecar. Tracks that cannot be used are skipped, and the sidecar says why.

    Args:
        job: What to write.
        after_track: Called after each track. It may raise to end the work; nothing is left of the shard then.

    Raises:
        OSError: If the shard cannot be written.
        MemoryError: If there is not enough memory for a track.
    """
    features_of = load_frontend(job.frontend) if job.frontend else None
    rows, skipped, notes, digest = [], [], [], hashlib.sha256()
    with whole_file(job.path, job.sidecar.parent) as scratch, open(scratch, "wb") as file:
        for index, track, tags, path in job.tracks:
            try:
                audio, num_samples, features, file_notes = load_track(path, job.storage, features_of)
            except MemoryError as error:  # not the file's fault: the next ones would fail too
                raise MemoryError(f"{str(path)!r} needs more memory than is available. Try fewer jobs.") from error
            except Exception as error:  # one bad file must not stop the others
                skipped.append(asdict(Skipped(track.track_id, track.path, _reason(error, path, track))))
            else:
                labels = np.zeros(job.num_tags, np.int64)
                labels[list(tags)] = 1
                facts = (index, track.track_id, track.part, track.subset)
                record = Record(*facts, labels, SAMPLE_RATE_HZ, num_samples, job.storage, audio, features)
                framed = to_tfrecord(encode(record))
                where = (track.path, job.path.name, file.tell(), num_samples, hashlib.sha256(audio).hexdigest())
                rows.append(asdict(StoredTrack(*facts, *where, tags)))
                notes += [(track.track_id, note) for note in file_notes]
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
        The audio bytes to store, the number of decoded samples, features or None, and the decoder's notes.

    Raises:
        AudioError: If it cannot be used as audio, is empty, or is too long or too large for a record.
        FileNotFoundError: If the file does not exist.
        ValueError: If it is too short for features.
    """
    (pcm, clipped), stream = decode_with(_pcm, path, SAMPLE_RATE_HZ, MAX_SECONDS)
    if not pcm:
        raise AudioError("The track is shorter than one sample.")
    if storage == "source" and stream.is_alone:  # the stored file would be decoded to the mix
        raise AudioError(f"{stream.notes[-1]} With storage 'source', the mix would be used: use storage 'pcm'.")
    share = clipped / (len(pcm) // 2)
    notes = stream.notes
    if share > CLIPPED_SHARE:
        notes += (f"{share:.1%} of the samples are beyond full scale and were clipped.",)
    audio = pcm if storage == "pcm" else _source_bytes(path)
    # from the 16-bit samples that are stored, or that will be decoded from a compressed file
    features = features_of(to_floats(np.frombuffer(pcm, "<i2"))) if features_of else None
    return audio, len(pcm) // 2, features, notes


def _pcm(stream: AudioStream) -> tuple[bytes, int]:
    """Returns 16-bit samples and how many were clipped."""
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
    """Loads a front end once per process."""
    return frontend.load()


def _reason(error: Exception, path: Path, track: Track) -> str:
    """Why a track was skipped, in the same words wherever the raw dataset is."""
    if isinstance(error, FileNotFoundError):
        return MISSING
    text = " ".join(str(error).split()).replace(repr(str(path)), repr(track.path))
    return text if isinstance(error, MusicTagError | ValueError) and text else f"{type(error).__name__}: {text}"


class _StoppedError(Exception):
    """Raised in a worker when another one has failed or the user has stopped the work."""


def write_shards(jobs: Sequence[ShardJob], processes: int, progress: Callable[[int], None]) -> None:
    """Writes shards in several processes; with one process and no front end, in this one.

    Args:
        jobs: The shards to write.
        processes: Number of processes.
        progress: Called regularly with the number of tracks that are done.

    Raises:
        OSError: If a shard cannot be written; the other workers stop too.
        RecordsError: If a worker was killed.
    """
    if processes == 1 and not any(job.frontend for job in jobs):
        _write_in_this_process(jobs, progress)
        return
    done, stop = SPAWN.Value("q", 0), SPAWN.RawValue("b", 0)
    killed = RecordsError(
        "A worker process ended before its work was done: was it killed because memory ran out? Run the same "
        "command again with fewer jobs: it resumes."
    )
    with worker_pool(min(processes, max(1, len(jobs))), killed, _start_worker, (done, stop)) as submit:
        try:
            running = {submit(_work, job) for job in jobs}
            while running:
                finished, running = wait(running, POLL_SECONDS, FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                progress(done.get_obj().value)  # without the lock, which a killed worker may still hold
        finally:  # also after Ctrl-C: each worker stops after its track, and removes its unfinished shard
            stop.value = 1


def _write_in_this_process(jobs: Sequence[ShardJob], progress: Callable[[int], None]) -> None:
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(done)

    for job in jobs:
        write_shard(job, count)


def _start_worker(done, stop) -> None:
    global _shared
    _shared = (done, stop)
    begin_worker()
    os.environ.update(TF_NUM_INTRAOP_THREADS="1", CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3")


def _work(job: ShardJob) -> None:
    done, stop = _shared

    def count() -> None:
        with done.get_lock():
            done.value += 1
        if stop.value:
            raise _StoppedError

    write_shard(job, count)

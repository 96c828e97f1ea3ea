"""A folder of records: `dataset.json` (what it holds), `tracks.csv` (where each track is), shards (the tracks)."""

import csv
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag.audio.samples import to_floats
from keras_musictag.errors import RecordsError, UnknownNameError, quantity
from keras_musictag.records.manifest import Skipped
from keras_musictag.records.schema import MAKE_AGAIN, PARTS, REPAIR, TEXT_CODEC, VERSION, Record, decode, read_at
from keras_musictag.tags.vocabulary import Vocabulary

DATASET_FILE, TRACKS_FILE, SKIPPED_FILE = "dataset.json", "tracks.csv", "skipped.csv"
# the entries that `dataset.json`, each of its parts and each of its shards must have
_ENTRIES = "dataset dataset_version split split_sha256 storage features licence citation skipped plan".split()
_PART_ENTRIES, _SHARD_ENTRIES = ("tracks", "seconds", "positives"), ("part", "tracks", "bytes", "sha256")


@dataclass(frozen=True)
class StoredTrack:
    """A row of `tracks.csv`.

    Attributes:
        track_index: Position in the dataset, from 0; skipped tracks count.
        track_id: Its name in the dataset.
        part: "train", "valid" or "test".
        subset: A group within the part that is reported separately, or "".
        path: The audio file it was made from, relative to the raw dataset's audio folder.
        shard: The file that holds it.
        offset: Where its record begins in that file, bytes.
        num_samples: Number of decoded samples.
        audio_sha256: SHA-256 of the stored samples, or of the compressed file.
        tags: Positions in the vocabulary of the tags that apply.
    """

    track_index: int
    track_id: str
    part: str
    subset: str
    path: str
    shard: str
    offset: int
    num_samples: int
    audio_sha256: str
    tags: tuple[int, ...]

    def to_row(self) -> dict[str, Any]:
        """The row for a CSV file: tags as positions, separated by spaces."""
        return {**self.__dict__, "tags": " ".join(map(str, self.tags))}

    @classmethod
    def from_row(cls, row: dict[str, str]) -> "StoredTrack":
        """The inverse of `to_row`."""
        numbers = {name: int(row[name]) for name in ("track_index", "offset", "num_samples")}
        return cls(**{**row, **numbers, "tags": tuple(map(int, row["tags"].split()))})


class Records:
    """An open folder of records. Opening it checks that every shard exists and has its original length.

    Args:
        folder: A folder that `keras-musictag prepare` has finished.

    Attributes:
        folder: Its path.
        info: The content of `dataset.json`.
        vocabulary: The tags, in the order of the labels.
        tracks: A `StoredTrack` for each track, by track index.

    Raises:
        FileNotFoundError: If there is no such folder, or it holds no finished records.
        RecordsError: If a shard is missing or has the wrong length, or the version is not supported.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import soundfile
        >>> from keras_musictag.records import Manifest, Track, prepare
        >>> with TemporaryDirectory() as folder:
        ...     soundfile.write(f"{folder}/a.wav", [0.5] * 32000, 16000)
        ...     track = Track("a", "a.wav", ("rock",), "train")
        ...     rock = Vocabulary(("rock",))
        ...     manifest = Manifest("mine", "1", "all", rock, Path(folder), (track,), licence="", citation="")
        ...     prepared = prepare(manifest, f"{folder}/records", jobs=1)
        ...     records = Records(f"{folder}/records")
        ...     records.samples(records.part("train")[0]).shape, records.labels("train").tolist()
        ((32000,), [[1.0]])
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        self.info = read_info(self.folder)
        self.vocabulary = Vocabulary.of(self.info["tags"])
        faults = wrong_sizes(self.folder, self.info)
        if faults:
            raise RecordsError(faults[0])

    @cached_property
    def tracks(self) -> tuple[StoredTrack, ...]:
        tracks = read_tracks(self.folder)
        stated = sum(facts["tracks"] for facts in self.info["shards"].values())
        if len(tracks) != stated:
            raise RecordsError(
                f"{TRACKS_FILE} in {str(self.folder)!r} has {quantity(len(tracks), 'track')}; expected {stated:,}, the "
                f"number in {DATASET_FILE}. {REPAIR}"
            )
        return tracks

    @cached_property
    def skipped(self) -> tuple[Skipped, ...]:
        """The tracks that were left out, and why."""
        return read_skipped(self.folder)

    @property
    def storage(self) -> str:
        """ "pcm" or "source"."""
        return self.info["storage"]

    def part(self, part: str) -> tuple[StoredTrack, ...]:
        """The tracks of one part, by track index.

        Raises:
            UnknownNameError: If there is no such part.
        """
        if part not in PARTS:
            raise UnknownNameError.of("part", part, PARTS)
        return tuple(track for track in self.tracks if track.part == part)

    def shards(self, part: str) -> tuple[Path, ...]:
        """The files of one part, in order."""
        return tuple(self.folder / name for name, facts in self.info["shards"].items() if facts["part"] == part)

    def labels(self, part: str) -> np.ndarray:
        """Float32 (tracks, tags) of one part, 1 if the tag applies; rows as in `part`."""
        tracks = self.part(part)
        labels = np.zeros((len(tracks), len(self.vocabulary)), np.float32)
        for row, track in zip(labels, tracks, strict=True):
            row[list(track.tags)] = 1
        return labels

    def read(self, track: StoredTrack) -> Record:
        """One track's record.

        Raises:
            RecordsError: If the record is damaged; the message names the shard and the byte.
        """
        with open(self.folder / track.shard, "rb") as file:
            payload = read_at(file, track.offset, track.shard)
        if payload is None:
            raise RecordsError(f"{track.shard} ends before byte {track.offset}. {REPAIR}")
        return decode(payload)

    def samples(self, track: StoredTrack) -> np.ndarray:
        """One track's samples, decoded if a compressed file is stored: float32 (samples,), 16 kHz, mono.

        Raises:
            RecordsError: If the record is damaged.
        """
        record = self.read(track)
        if record.storage == "pcm":
            return to_floats(np.frombuffer(record.audio, "<i2"))
        from keras_musictag.records.decoding import decode_pcm  # loads PyAV

        return to_floats(decode_pcm(record.audio, record.sample_rate_hz, record.num_samples, 0, record.num_samples))

    def __iter__(self) -> Iterator[StoredTrack]:
        return iter(self.tracks)

    def __len__(self) -> int:
        return len(self.tracks)


def read_info(folder: Path) -> dict[str, Any]:
    """The content of `dataset.json`.

    Raises:
        FileNotFoundError: If the file does not exist: the folder holds no finished records.
        RecordsError: If it is not valid JSON, has another version, or an entry is missing.
    """
    path = folder / DATASET_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no {DATASET_FILE} in {str(folder)!r}: expected a folder that `keras-musictag prepare` "
            "has finished. If it was interrupted, run the same command again: it resumes."
        )
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RecordsError(f"{str(path)!r} is not valid JSON ({error}). {REPAIR}") from error
    if not isinstance(info, dict) or info.get("version") != VERSION:
        found = info.get("version") if isinstance(info, dict) else None
        raise RecordsError(
            f"{str(path)!r} has version {found}; expected {VERSION}. "
            "Prepare the dataset again with this version of the package."
        )
    try:
        _check_entries(info)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RecordsError(f"{str(path)!r} is not as it was written ({error!r}). Was it edited? {REPAIR}") from error
    return info


def _check_entries(info: dict[str, Any]) -> None:
    parts = [info["parts"][part] for part in PARTS]
    wanted = [(info, _ENTRIES), *((part, _PART_ENTRIES) for part in parts)]
    wanted += [(shard, _SHARD_ENTRIES) for shard in info["shards"].values()]
    for entries, names in wanted:
        for name in names:
            _ = entries[name]
    num_tags = len(Vocabulary.of(info["tags"]))
    if any(len(part["positives"]) != num_tags for part in parts):
        raise ValueError(f"there are {num_tags} tags, but another number of positives")


def read_tracks(folder: Path) -> tuple[StoredTrack, ...]:
    """The rows of `tracks.csv`.

    Raises:
        RecordsError: If the file does not exist, or a line is not one that `prepare` writes.
    """
    tracks = []
    for line, row in _read_csv(folder / TRACKS_FILE):
        try:
            tracks.append(StoredTrack.from_row(row))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RecordsError(
                f"Line {line} of {TRACKS_FILE} does not describe a track ({error!r}). {REPAIR}"
            ) from error
    return tuple(tracks)


def read_skipped(folder: Path) -> tuple[Skipped, ...]:
    """The rows of `skipped.csv`; raises as `read_tracks`."""
    skipped = []
    for line, row in _read_csv(folder / SKIPPED_FILE):
        try:
            skipped.append(Skipped(**row))
        except TypeError as error:
            raise RecordsError(
                f"Line {line} of {SKIPPED_FILE} does not describe a track ({error!r}). {REPAIR}"
            ) from error
    return tuple(skipped)


def wrong_sizes(folder: Path, info: dict[str, Any]) -> list[str]:
    """One sentence for each shard that is missing or has the wrong length."""
    faults = []
    for name, facts in info["shards"].items():
        path = folder / name
        size = path.stat().st_size if path.is_file() else None
        if size != facts["bytes"]:
            found = "is missing" if size is None else f"has {size} bytes"
            remedy = f"Copy it again, or {MAKE_AGAIN}" if size is None else REPAIR
            faults.append(f"Shard {str(path)!r} {found}; expected {facts['bytes']} bytes. {remedy}")
    return faults


def top_reasons(skipped: Iterable[Skipped]) -> list[tuple[str, int]]:
    """Why tracks were skipped, with the number of tracks, the most frequent reason first; no file is named.

    Each reason is cut before what was expected and what to try; `skipped.csv` has the whole sentence.
    """
    reasons = Counter(_beginning(row.reason.replace(repr(row.path), "The file")) for row in skipped)
    return reasons.most_common()


def _beginning(reason: str) -> str:
    first = reason.partition(". ")[0].partition("; expected ")[0]
    return first if first.endswith(".") else f"{first}."


def _read_csv(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields the line number and content of each row after the header."""
    if not path.is_file():
        raise RecordsError(f"There is no {path.name} in {str(path.parent)!r}. Copy it again, or {MAKE_AGAIN}")
    with open(path, encoding=TEXT_CODEC[0], errors=TEXT_CODEC[1], newline="") as file:
        rows = csv.DictReader(file)
        for row in rows:
            yield rows.line_num, row

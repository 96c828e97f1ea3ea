"""A manifest: the tracks of a dataset, with their files, tags and parts."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from keras_musictag.errors import DatasetError, UnknownNameError
from keras_musictag.records.schema import PARTS, TEXT_CODEC
from keras_musictag.tags.vocabulary import Vocabulary


@dataclass(frozen=True)
class Track:
    """A recording of a dataset.

    Attributes:
        track_id: Its name in the dataset, unique.
        path: Its audio file, relative to `Manifest.audio_folder`, or absolute.
        tags: The tags that apply.
        part: "train", "valid" or "test".
        subset: A group within the part that is reported separately (such as "unseen" soundfonts), or "".

    Example:
        >>> Track("clip 1", "audio/1.mp3", tags=("rock", "guitar"), part="train").tags
        ('rock', 'guitar')
    """

    track_id: str
    path: str
    tags: tuple[str, ...]
    part: str
    subset: str = ""


@dataclass(frozen=True)
class Skipped:
    """A track that is in no part, and the reason in one sentence."""

    track_id: str
    path: str
    reason: str


@dataclass(frozen=True)
class Manifest:
    """A dataset, ready to be prepared as records.

    Attributes:
        dataset: Its id, such as "mtat".
        dataset_version: Which release of it.
        split: Which of its splits.
        vocabulary: The tags, in the order of a model's outputs.
        audio_folder: The folder that the tracks' paths are relative to.
        tracks: The tracks of all parts.
        licence: Licence of audio and annotations, in one sentence.
        citation: The paper or page to cite.
        skipped: Tracks that the split leaves out as known bad.
        published_counts: Published number of tracks per part; empty if none was published.

    Raises:
        DatasetError: If a track is listed twice or has an unknown part, or there are no tracks.
        UnknownNameError: If a tag is not in the vocabulary.

    Example:
        >>> track = Track("clip 1", "1.mp3", tags=("rock",), part="train")
        >>> rock = Vocabulary(("rock",))
        >>> manifest = Manifest("mine", "1", "all", rock, Path("audio"), (track,), licence="", citation="")
        >>> manifest.counts
        {'train': 1, 'valid': 0, 'test': 0}
    """

    dataset: str
    dataset_version: str
    split: str
    vocabulary: Vocabulary
    audio_folder: Path
    tracks: tuple[Track, ...] = field(repr=False)
    licence: str
    citation: str
    skipped: tuple[Skipped, ...] = field(default=(), repr=False)
    published_counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self):
        if not self.tracks:
            raise DatasetError(f"{self.dataset} has no tracks. Is {str(self.audio_folder)!r} the right folder?")
        twice = [name for name, count in Counter(t.track_id for t in self.tracks).items() if count > 1]
        if twice:
            raise DatasetError(
                f"Each track of {self.dataset} must be listed once. Received more than once: {twice[0]!r}."
            )
        known = set(self.vocabulary)
        for track in self.tracks:
            if track.part not in PARTS:
                raise DatasetError(f"Track {track.track_id!r} has the part {track.part!r}; expected one of {PARTS}.")
            for tag in track.tags:
                if tag not in known:
                    raise UnknownNameError.of("tag", tag, self.vocabulary)

    @property
    def counts(self) -> dict[str, int]:
        """Number of tracks per part."""
        counts = Counter(track.part for track in self.tracks)
        return {part: counts[part] for part in PARTS}

    @property
    def split_sha256(self) -> str:
        """SHA-256 of the assignment of tracks to parts: equal hashes mean equal splits."""
        lines = sorted(f"{track.part}\t{track.track_id}\n" for track in self.tracks)
        return hashlib.sha256("".join(lines).encode(*TEXT_CODEC)).hexdigest()

    def file(self, track: Track) -> Path:
        """The path of a track's audio file."""
        return self.audio_folder / track.path

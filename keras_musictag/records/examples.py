"""A record -> one training example: the chunks that (seed, epoch) cut from the track. Shared by all readers."""

from dataclasses import dataclass

import numpy as np

from keras_musictag.audio.samples import to_floats
from keras_musictag.choices import EXAMPLE_LEVELS
from keras_musictag.errors import UnknownNameError
from keras_musictag.records.crops import cut_at, random_starts
from keras_musictag.records.decoding import decode_pcm
from keras_musictag.records.deformation import Deform, deform_track
from keras_musictag.records.folder import Records
from keras_musictag.records.schema import Record


@dataclass(frozen=True)
class Cutting:
    """How training examples are cut from tracks.

    Attributes:
        chunk_samples: Length of a chunk; None where features are cut.
        chunk_frames: Length of a chunk of the stored features; None where samples are cut.
        chunks_per_track: Chunks of each track in an epoch.
        level: "chunk" (each chunk is an example) or "song" (all chunks of a track are one).
        seed: Of the training run.
        deform: What may happen to a track before, or None.

    Raises:
        ValueError: If not exactly one length is given, or a number is below 1, or features are to be deformed.
        UnknownNameError: If there is no such level.
    """

    chunk_samples: int | None = None
    chunk_frames: int | None = None
    chunks_per_track: int = 1
    level: str = "chunk"
    seed: int = 0
    deform: Deform | None = None

    def __post_init__(self):
        if (self.chunk_samples is None) == (self.chunk_frames is None):
            raise ValueError(
                "Give either `chunk_samples` (waveforms) or `chunk_frames` (stored features). Received: "
                f"chunk_samples={self.chunk_samples}, chunk_frames={self.chunk_frames}."
            )
        for name in ("size", "chunks_per_track"):
            if getattr(self, name) < 1:
                called = "`chunk_samples` or `chunk_frames`" if name == "size" else f"`{name}`"
                raise ValueError(f"{called} must be 1 or more. Received: {getattr(self, name)}.")
        if self.level not in EXAMPLE_LEVELS:
            raise UnknownNameError.of("level", self.level, EXAMPLE_LEVELS)
        if self.deform and self.chunk_frames:
            raise ValueError("`deform` works on samples, not on stored features: pass `chunk_samples`.")

    @property
    def size(self) -> int:
        """Length of a chunk, in samples or frames."""
        return self.chunk_frames if self.chunk_samples is None else self.chunk_samples

    @property
    def per_track(self) -> int:
        """Examples of each track in an epoch."""
        return 1 if self.level == "song" else self.chunks_per_track

    def check(self, records: Records) -> None:
        """Raises ValueError if features are asked for that the records do not have."""
        if self.chunk_frames and not records.info["features"]:
            raise ValueError(
                f"`chunk_frames` needs stored features, and {str(records.folder)!r} has none. Pass `chunk_samples`, "
                "or prepare the dataset with `--features ARCHITECTURE`."
            )

    def starts(self, length: int, epoch: int, track_index: int, k: np.ndarray) -> np.ndarray:
        """Where the chunks `k` of a track of some length begin."""
        return random_starts(length, self.size, seed=self.seed, epoch=epoch, track_index=track_index, k=k)


@dataclass(frozen=True, eq=False)
class StoredAudio:
    """The part of a `schema.Record` that chunks of samples are cut from."""

    track_index: int
    sample_rate_hz: int
    num_samples: int
    storage: str
    audio: bytes

    @classmethod
    def of(cls, record: Record) -> "StoredAudio":
        """The same of a whole record."""
        return cls(*(getattr(record, name) for name in cls.__dataclass_fields__))

    def pcm(self, start: int = 0, end: int | None = None) -> np.ndarray:
        """The samples from `start` to `end`, or to the end of the track, int16."""
        end = self.num_samples if end is None else end
        if self.storage == "pcm":
            return np.frombuffer(self.audio, "<i2")[start:end]
        return decode_pcm(self.audio, self.sample_rate_hz, self.num_samples, start, end)


def waveform_chunks(stored: StoredAudio, cutting: Cutting, epoch: int, k: np.ndarray) -> np.ndarray:
    """The chunks `k` of a track in an epoch.

    Args:
        stored: The track.
        cutting: How to cut.
        epoch: From 0.
        k: Int (chunks,), which of the track's chunks.

    Returns:
        Int16 (chunks, chunk_samples), or float32 where deformations are asked for.
    """
    if cutting.deform is None:
        starts = cutting.starts(stored.num_samples, epoch, stored.track_index, k)
        begin, end = int(starts.min()), int(starts.max()) + cutting.size
        return cut_at(stored.pcm(begin, end), starts - begin, cutting.size)
    track = deform_track(
        to_floats(stored.pcm()),
        stored.sample_rate_hz,
        cutting.deform,
        seed=cutting.seed,
        epoch=epoch,
        track_index=stored.track_index,
    )
    return cut_at(track, cutting.starts(len(track), epoch, stored.track_index, k), cutting.size)


def feature_chunks(features: np.ndarray, track_index: int, cutting: Cutting, epoch: int, k: np.ndarray) -> np.ndarray:
    """The chunks `k` of stored features (frames, bands), as float32 (chunks, chunk_frames, bands)."""
    return cut_at(features, cutting.starts(len(features), epoch, track_index, k), cutting.size)

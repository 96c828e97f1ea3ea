"""A model's scores on a part of a dataset, with the true tags. Every number of a report can be computed from them.

They are saved as an `.npz` file, which can be loaded, and as a CSV of the same tracks for people and other programs.
"""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag.errors import UnknownNameError
from keras_musictag.files import write_bytes, write_csv
from keras_musictag.tags.vocabulary import Vocabulary

ROW_LEVELS = ("track", "chunk")
WHOLE = "all"  # the name of all tracks in reports, so no subset may have it


@dataclass(frozen=True)
class Source:
    """The data that were scored. Two models can be compared if their sources are equal.

    Attributes:
        dataset: Id of the dataset, such as "mtat".
        dataset_version: Its publication.
        split: Name of its split.
        split_sha256: Hash of the list that assigns tracks to parts.
        part: "train", "valid" or "test".
        deformation: Name of the deformation of the audio, such as "white_noise_0.1", or "".
    """

    dataset: str
    dataset_version: str
    split: str
    split_sha256: str
    part: str
    deformation: str = ""

    def __post_init__(self):
        for name, value in self.__dict__.items():
            if not isinstance(value, str):
                raise ValueError(f"`{name}` must be a string. Received: {value!r}.")

    @classmethod
    def of(cls, info: Mapping[str, Any], part: str, deformation: str = "") -> "Source":
        """Makes a source from the content of `dataset.json` (`Records.info`)."""
        kept = ("dataset", "dataset_version", "split", "split_sha256")
        return cls(**{name: info[name] for name in kept}, part=part, deformation=deformation)


@dataclass(frozen=True, eq=False)
class Predictions:
    """Scores and targets of tracks, and of their chunks if these were kept.

    Attributes:
        model: Name of the model in tables.
        source: The data that were scored.
        vocabulary: The tags, in the order of the columns.
        track_ids: Names of the tracks, each once, in the order of the rows.
        targets: Bool (tracks, tags).
        scores: Float32 (tracks, tags).
        subsets: One subset per track, which is reported separately, such as "unseen", or ""; () if all are "".
        chunk_scores: Float32 (chunks, tags), or None.
        chunk_tracks: Int32 (chunks,), the row of each chunk's track, or None.
        facts: Plain data about the model: "parameters", "multiply_adds" (of one chunk), "chunk_seconds",
            "chunks_per_second", "architecture" and anything else that describes the run.

    Raises:
        ValueError: If shapes do not match, a score is not finite, or a track occurs twice or has no chunk.

    Example:
        >>> source = Source("folder", "1", "seed 0", "ab12", "test")
        >>> tags = Vocabulary(("rock", "piano"))
        >>> said = Predictions("mine", source, tags, ("a", "b"), [[1, 0], [0, 1]], [[0.9, 0.2], [0.3, 0.8]])
        >>> said.scores.dtype, said.targets.dtype, len(said)
        (dtype('float32'), dtype('bool'), 2)
    """

    model: str
    source: Source
    vocabulary: Vocabulary
    track_ids: tuple[str, ...] = field(repr=False)
    targets: np.ndarray = field(repr=False)
    scores: np.ndarray = field(repr=False)
    subsets: tuple[str, ...] = field(default=(), repr=False)
    chunk_scores: np.ndarray | None = field(default=None, repr=False)
    chunk_tracks: np.ndarray | None = field(default=None, repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        for name in ("track_ids", "subsets"):
            object.__setattr__(self, name, tuple(map(str, getattr(self, name))))
        object.__setattr__(self, "vocabulary", Vocabulary.of(self.vocabulary))
        self._check_tracks()
        self._check_chunks()
        if not isinstance(self.model, str) or not self.model:
            raise ValueError(f"`model` must be a name, a string that is not empty. Received: {self.model!r}.")
        try:
            json.dumps(dict(self.facts), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"`facts` must be plain data for JSON: {error}.") from None

    def _check_tracks(self):
        shape = (len(self.track_ids), len(self.vocabulary))
        if len(set(self.track_ids)) != shape[0]:
            twice = next(name for name in self.track_ids if self.track_ids.count(name) > 1)
            raise ValueError(f"`track_ids` must name each track once. Received twice: {twice!r}.")
        targets = np.asarray(self.targets)
        if targets.shape != shape or not np.isin(targets, (0, 1)).all():
            raise ValueError(f"`targets` must be 0 or 1, (tracks, tags) = {shape}. Received: {targets.shape}.")
        object.__setattr__(self, "targets", targets.astype(bool))
        object.__setattr__(self, "scores", _scores("scores", self.scores, shape))
        if self.subsets and len(self.subsets) != shape[0]:
            raise ValueError(f"`subsets` must have one entry per track, {shape[0]}. Received: {len(self.subsets)}.")
        if not any(self.subsets):
            object.__setattr__(self, "subsets", ())
        if WHOLE in self.subsets:
            raise ValueError(
                f"A subset must not be called {WHOLE!r}, the name of the whole part in reports. Rename it."
            )

    def _check_chunks(self):
        if (self.chunk_scores is None) != (self.chunk_tracks is None):
            raise ValueError("`chunk_scores` and `chunk_tracks` must both be given, or both be None.")
        if self.chunk_scores is None:
            return
        tracks = np.asarray(self.chunk_tracks)
        if tracks.ndim != 1 or tracks.dtype.kind not in "iu":
            raise ValueError(
                f"`chunk_tracks` must be whole numbers (chunks,). Received: {tracks.dtype} {tracks.shape}."
            )
        if not np.array_equal(np.unique(tracks), np.arange(len(self))):
            raise ValueError(f"`chunk_tracks` must name each of the {len(self)} rows of tracks at least once.")
        scores = _scores("chunk_scores", self.chunk_scores, (len(tracks), len(self.vocabulary)))
        object.__setattr__(self, "chunk_scores", scores)
        object.__setattr__(self, "chunk_tracks", tracks.astype(np.int32))

    def __len__(self) -> int:
        return len(self.track_ids)

    @property
    def levels(self) -> tuple[str, ...]:
        """ "track", and "chunk" if there are chunk scores."""
        return ROW_LEVELS if self.chunk_scores is not None else ROW_LEVELS[:1]

    def rows(self, level: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns targets (rows, tags), scores (rows, tags) and track indices (rows,). A chunk has its track's targets.

        Raises:
            UnknownNameError: If `level` is not one of `levels`.
        """
        if level not in self.levels:
            raise UnknownNameError.of("level", level, self.levels)
        if level == "track":
            return self.targets, self.scores, np.arange(len(self))
        return self.targets[self.chunk_tracks], self.chunk_scores, self.chunk_tracks

    def subset(self, name: str) -> "Predictions":
        """Returns the predictions of the tracks of one subset, and of their chunks.

        Raises:
            UnknownNameError: If the subset has no track.
        """
        if name not in self.subsets:
            raise UnknownNameError.of("subset", name, sorted(set(self.subsets)))
        kept = np.array(self.subsets) == name
        chunks = {}
        if self.chunk_scores is not None:
            of_kept = kept[self.chunk_tracks]
            new_row = np.cumsum(kept) - 1
            chunks = {
                "chunk_scores": self.chunk_scores[of_kept],
                "chunk_tracks": new_row[self.chunk_tracks[of_kept]],
            }
        ids = tuple(id_ for id_, keep in zip(self.track_ids, kept, strict=True) if keep)
        return replace(
            self,
            track_ids=ids,
            targets=self.targets[kept],
            scores=self.scores[kept],
            subsets=(name,) * len(ids),
            **chunks,
        )


def _scores(name: str, scores: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    scores = np.asarray(scores)
    if scores.shape != shape or scores.dtype.kind not in "fiu" or 0 in shape:
        raise ValueError(
            f"`{name}` must be numbers of shape {shape}, with at least one of each. "
            f"Received: {scores.dtype} {scores.shape}."
        )
    if not np.isfinite(scores).all():
        row, tag = np.argwhere(~np.isfinite(scores))[0]
        raise ValueError(f"`{name}` must be finite. Received: {scores[row, tag]} in row {row}, tag {tag}.")
    return scores.astype(np.float32)


VERSION = 1
ABOUT = {"version", "model", "source", "tags", "track_ids", "subsets", "facts"}


def save_predictions(predictions: Predictions, path: str | PathLike) -> None:
    """Writes `path` (.npz) and a CSV with the same name. The same predictions give the same bytes.

    The CSV has one row per track: its name, its subset, one score per tag in full float32 precision, and one target per
    tag.

    Args:
        predictions: What to write.
        path: File to write, which ends in ".npz"; its folder is created if it does not exist.

    Raises:
        ValueError: If `path` does not end in ".npz".
        OSError: If a file cannot be written; an earlier file is then kept.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"`path` must end in .npz. Received: {str(path)!r}.")
    arrays = {"targets": predictions.targets, "scores": predictions.scores}
    if predictions.chunk_scores is not None:
        arrays |= {"chunk_scores": predictions.chunk_scores, "chunk_tracks": predictions.chunk_tracks}
    about = json.dumps(_about(predictions), ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")
    content = io.BytesIO()  # in memory first: on a full disk, closing a half-written archive would fail a second time
    np.savez_compressed(content, about=np.frombuffer(about, np.uint8), **arrays)
    write_bytes(path, content.getbuffer())
    write_csv(path.with_suffix(".csv"), *_table(predictions))


def _about(predictions: Predictions) -> dict[str, Any]:
    return {
        "version": VERSION,
        "model": predictions.model,
        "source": asdict(predictions.source),
        "tags": predictions.vocabulary.to_list(),
        "track_ids": predictions.track_ids,
        "subsets": predictions.subsets,
        "facts": dict(predictions.facts),
    }


def _table(predictions: Predictions) -> tuple[list[str], Iterator[list[str]]]:
    """Header and rows of the CSV."""
    tags = list(predictions.vocabulary)
    subsets = predictions.subsets or ("",) * len(predictions)
    scores, targets = predictions.scores.astype(str), predictions.targets.astype(np.uint8).astype(str)
    rows = zip(predictions.track_ids, subsets, scores, targets, strict=True)
    header = ["track_id", "subset", *(f"score:{tag}" for tag in tags), *(f"target:{tag}" for tag in tags)]
    return header, ([track_id, subset, *row, *targets] for track_id, subset, row, targets in rows)


def load_predictions(path: str | PathLike) -> Predictions:
    """Reads a file that `save_predictions` wrote.

    Args:
        path: An `.npz` file. It contains only numbers and JSON; no code in it is run.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, has another version, or contains something else.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"There are no predictions at {str(path)!r}: expected a file that `keras-musictag evaluate` wrote."
        )
    try:
        with np.load(path, allow_pickle=False) as arrays:
            content = {name: arrays[name] for name in arrays.files}
        about = json.loads(content.pop("about").tobytes().decode("utf-8", "surrogatepass"))
        return _predictions(about, content)
    # what zipfile, numpy and json raise for damaged bytes
    except (zipfile.BadZipFile, EOFError, KeyError, TypeError, AttributeError, ValueError, LookupError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{str(path)!r} is not a valid file of predictions: {reason} Evaluate again.") from error


def _predictions(about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Predictions:
    if about.get("version") != VERSION:
        raise ValueError(f"its version is {about.get('version')}; expected {VERSION}.")
    if about.keys() != ABOUT or not {"targets", "scores"} <= arrays.keys() <= {
        "targets",
        "scores",
        "chunk_scores",
        "chunk_tracks",
    }:
        raise ValueError(f"it contains {', '.join([*about, *arrays])}.")
    return Predictions(
        model=about["model"],
        source=Source(**about["source"]),
        vocabulary=Vocabulary.of(about["tags"]),
        track_ids=tuple(about["track_ids"]),
        subsets=tuple(about["subsets"]),
        facts=about["facts"],
        **arrays,
    )

"""The results for a track: `TagResult`, and `Taggram` with its plot."""

from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np

from keras_musictag.choices import AGGREGATES
from keras_musictag.errors import UnknownNameError
from keras_musictag.figures import new_figure, plain, save_figure
from keras_musictag.tags.aggregation import aggregate_scores
from keras_musictag.tags.vocabulary import Vocabulary

ROW_INCHES = 0.24


def plot_taggram(taggram, path: str | PathLike, top: int = 20) -> None:
    """Draws a taggram; see `Taggram.plot`. Needs no display."""
    shown = [taggram.vocabulary.index(tag) for tag, _ in taggram.merge(top=top).tags]
    figure = new_figure(10, 1.4 + ROW_INCHES * len(shown))
    axes = figure.subplots()
    # a chunk is drawn until the next one begins, the last one to its end
    edges = np.append(taggram.start_seconds, taggram.end_seconds[-1])
    mesh = axes.pcolormesh(edges, np.arange(len(shown) + 1), taggram.scores[:, shown].T, cmap="magma_r", vmin=0, vmax=1)
    axes.set_yticks(np.arange(len(shown)) + 0.5, [plain(taggram.vocabulary[i]) for i in shown])
    axes.invert_yaxis()
    axes.set_xlabel("seconds")
    axes.set_title(plain(taggram.track.name), loc="left")
    figure.colorbar(mesh, ax=axes, label="score", pad=0.01)
    save_figure(figure, path)


def check_merge(aggregate: str, top: int | None) -> None:
    """Raises UnknownNameError for an unknown aggregate, ValueError if `top` is not a whole number of 1 or more."""
    if aggregate not in AGGREGATES:
        raise UnknownNameError.of("aggregate", aggregate, AGGREGATES)
    if top is not None and not (isinstance(top, (int, np.integer)) and top >= 1):
        raise ValueError(f"`top` must be a whole number of 1 or more, or None for all tags. Received: {top!r}.")


@dataclass(frozen=True)
class TrackFacts:
    """Facts about a track that were found while it was read.

    Attributes:
        name: The file's name, or "" for an array.
        duration_seconds: Duration of the audio that could be decoded.
        bad_packets: Number of packets of the file that could not be decoded.
        notes: Sentences about oddities that do not make the result wrong.
    """

    name: str = ""
    duration_seconds: float = 0.0
    bad_packets: int = 0
    notes: tuple[str, ...] = ()


class _HasTrackFacts:
    """Gives a result the facts of its track as properties."""

    track: TrackFacts

    @property
    def duration_seconds(self) -> float:
        return self.track.duration_seconds

    @property
    def bad_packets(self) -> int:
        return self.track.bad_packets

    @property
    def notes(self) -> tuple[str, ...]:
        return self.track.notes


@dataclass(frozen=True, eq=False)
class TagResult(_HasTrackFacts):
    """The tags of a track.

    Attributes:
        tags: `(tag, score)`, highest score first.
        scores: Float32 (tags,), of all tags, in the vocabulary's order.
        vocabulary: The tagger's tags.
        num_chunks: Number of chunks that were scored.
        track: Facts about the file.

    Example:
        >>> result = TagResult([("wild", 0.75)], np.array([0.25, 0.75]), Vocabulary(("calm", "wild")), num_chunks=2)
        >>> result.to_dict()["tags"]
        [{'tag': 'wild', 'score': 0.75}]
    """

    tags: list[tuple[str, float]]
    scores: np.ndarray = field(repr=False)
    vocabulary: Vocabulary = field(repr=False)
    num_chunks: int
    track: TrackFacts = field(default_factory=TrackFacts)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data for JSON."""
        return {
            "track": self.track.name,
            "duration_seconds": round(self.duration_seconds, 3),
            "chunks": self.num_chunks,
            "bad_packets": self.bad_packets,
            "notes": list(self.notes),
            "tags": [{"tag": tag, "score": round(score, 6)} for tag, score in self.tags],
        }


@dataclass(frozen=True, eq=False)
class Taggram(_HasTrackFacts):
    """The scores of a track over time.

    Attributes:
        scores: Float32 (chunks, tags).
        start_seconds, end_seconds: Float64 (chunks,), the part of the track that each chunk covers.
        vocabulary: The tagger's tags.
        track: Facts about the file.

    Example:
        >>> scores = np.array([[0.25, 0.75], [0.5, 0.25]], np.float32)
        >>> taggram = Taggram(scores, np.array([0.0, 3.0]), np.array([3.0, 6.0]), Vocabulary(("calm", "wild")))
        >>> taggram.merge("max").tags
        [('wild', 0.75), ('calm', 0.5)]
    """

    scores: np.ndarray = field(repr=False)
    start_seconds: np.ndarray = field(repr=False)
    end_seconds: np.ndarray = field(repr=False)
    vocabulary: Vocabulary
    track: TrackFacts = field(default_factory=TrackFacts)

    def merge(self, aggregate: str = "mean", top: int | None = 10) -> TagResult:
        """Merges the chunks into the tags of the track, by "mean", "median" or "max"; `top=None` for all tags.

        Raises:
            UnknownNameError: If the aggregate is unknown.
            ValueError: If `top` is not a whole number of 1 or more.
        """
        check_merge(aggregate, top)
        scores = aggregate_scores(self.scores, aggregate)
        order = np.argsort(-scores, kind="stable")[:top]
        return TagResult(
            tags=[(self.vocabulary[i], float(scores[i])) for i in order],
            scores=scores,
            vocabulary=self.vocabulary,
            num_chunks=len(self.scores),
            track=self.track,
        )

    def plot(self, path: str | PathLike, top: int = 20) -> None:
        """Draws the taggram: time from left to right, the `top` tags by their mean score, dark where they apply.

        Args:
            path: The file to write; its extension sets the format (.png, .pdf, .svg).
            top: Number of tags to show.
        """
        plot_taggram(self, path, top)

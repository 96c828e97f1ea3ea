"""A library in numbers: what the report page shows."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_musictag.library.database import Database, Labels, StoredModel
from keras_musictag.library.presence import PresenceThresholds, certainties, presence_thresholds
from keras_musictag.library.score_table import ScoreTable, read_score_table
from keras_musictag.library.similarity import find_neighbours, unit_rows
from keras_musictag.library.vectors import read_vectors

YEARS_PER_COLUMN = 10


@dataclass(frozen=True)
class ShownTrack:
    """A track in the report: one file of it, and what its own tags say."""

    path: str
    labels: Labels
    duration_seconds: float


@dataclass(frozen=True)
class TagStatistics:
    """One tag in the library.

    Attributes:
        tag, group: Its name and group.
        tracks: Number of tracks on which it is present.
        by_decade: Decade -> the share of that decade's tracks on which it is present.
        typical: The track with the highest score, and this score; None in an empty library.
    """

    tag: str
    group: str
    tracks: int
    by_decade: dict[int, float]
    typical: tuple[ShownTrack, float] | None


@dataclass(frozen=True)
class LibraryStatistics:
    """What `library report` shows.

    Attributes:
        model: The model whose scores were used.
        origin: Where its thresholds come from: see `presence.PresenceThresholds`.
        files, missing, problem_files: Numbers of files: found by the last scan, missing, and not tagged.
        tracks: Number of tracks with scores that are not silent.
        hours: Their duration.
        decades: Decade -> number of tracks.
        tags: Each tag, the one with most tracks first.
        near_duplicates: Pairs of different recordings with nearly the same embedding, and their cosine.
        copies: Number of files whose audio is the same as that of another file.
        outliers: Tracks that resemble no other, and the cosine with the nearest one.
        problems: Why files could not be tagged, and how many; the first path of each.
    """

    model: StoredModel
    origin: str
    files: int
    missing: int
    problem_files: int
    tracks: int
    hours: float
    decades: dict[int, int]
    tags: list[TagStatistics]
    near_duplicates: list[tuple[ShownTrack, ShownTrack, float]]
    copies: int
    outliers: list[tuple[ShownTrack, float]]
    problems: list[tuple[str, int, str]]


def library_statistics(
    database: Database,
    model: StoredModel,
    top: int = 30,
    thresholds: PresenceThresholds | None = None,
    report: Callable[[int, int], None] | None = None,
) -> LibraryStatistics:
    """Computes what the report shows.

    Args:
        database: The library.
        model: The model whose scores and embeddings are used.
        top: How many near-duplicates, outliers and problems are listed at most.
        thresholds: The result of `presence_thresholds(model)`; None to look them up.
        report: Called with the number of tracks whose embeddings have been compared with all others, and of all tracks.

    Example:
        >>> import tempfile
        >>> from keras_musictag import Vocabulary
        >>> with tempfile.TemporaryDirectory() as folder, Database(f"{folder}/library.db", create=True) as database:
        ...     library_statistics(database, database.add_model("my-own-v1", "", Vocabulary(("piano",)), 2)).tracks
        0
    """
    thresholds = thresholds or presence_thresholds(model)
    table = read_score_table(database, model, thresholds=thresholds)
    years, seconds = _years_and_seconds(database, table)
    vectors = unit_rows(np.asarray(read_vectors(database, model)[table.vector_rows]))
    neighbours = find_neighbours(vectors, top=top, report=report)
    lonely = np.argsort(neighbours.nearest, kind="stable")[:top] if len(vectors) > 1 else []
    files, missing, problem_files, copies = _counts(database)
    return LibraryStatistics(
        model=model,
        origin=thresholds.origin,
        files=files,
        missing=missing,
        problem_files=problem_files,
        tracks=len(table.tracks),
        hours=float(seconds.sum()) / 3600,
        decades={int(d): int((years == d).sum()) for d in np.unique(years[years > 0])},
        tags=_tags(database, table, years),
        near_duplicates=[(_show(database, table, a), _show(database, table, b), c) for a, b, c in neighbours.pairs],
        copies=copies,
        outliers=[(_show(database, table, row), float(neighbours.nearest[row])) for row in lonely],
        problems=_problems(database, top),
    )


def _tags(database: Database, table: ScoreTable, years: np.ndarray) -> list[TagStatistics]:
    decades = np.unique(years[years > 0])
    certainty = certainties(table.scores, table.thresholds)
    found = []
    for index, (tag, group) in enumerate(zip(table.model.vocabulary.names, table.model.vocabulary.groups, strict=True)):
        present = table.scores[:, index] >= table.thresholds[index]
        best = int(certainty[:, index].argmax()) if len(certainty) else None
        typical = None if best is None else (_show(database, table, best), float(table.scores[best, index]))
        by_decade = {int(decade): float(present[years == decade].mean()) for decade in decades}
        found.append(TagStatistics(tag, group, int(present.sum()), by_decade, typical))
    return sorted(found, key=lambda each: -each.tracks)


def _years_and_seconds(database: Database, table: ScoreTable) -> tuple[np.ndarray, np.ndarray]:
    """The decade of each track, 0 if it is not known, and its duration in seconds: (tracks,)."""
    rows = database.connection.execute(
        "SELECT files.id, coalesce(year, 0), duration_seconds FROM files JOIN tracks ON tracks.id = files.track "
        "ORDER BY files.id"
    ).fetchall()
    files = np.array([row[0] for row in rows], np.int64)
    places = np.searchsorted(files, table.files)
    years = np.array([row[1] for row in rows], np.int64)[places] // YEARS_PER_COLUMN * YEARS_PER_COLUMN
    return np.where((years > 1000) & (years < 3000), years, 0), np.array([row[2] for row in rows])[places]


def _counts(database: Database) -> tuple[int, int, int, int]:
    return database.connection.execute(
        "SELECT count(*) FILTER (WHERE missing_since IS NULL), count(*) FILTER (WHERE missing_since IS NOT NULL), "
        "count(*) FILTER (WHERE missing_since IS NULL AND problem IS NOT NULL), "
        "count(track) FILTER (WHERE missing_since IS NULL) "
        "- count(DISTINCT track) FILTER (WHERE missing_since IS NULL) FROM files"
    ).fetchone()


def _problems(database: Database, top: int) -> list[tuple[str, int, str]]:
    rows = database.connection.execute(
        "SELECT problem, count(*), min(path) FROM files WHERE problem IS NOT NULL AND missing_since IS NULL "
        "GROUP BY problem ORDER BY count(*) DESC, problem LIMIT ?",
        (top,),
    )
    return [(problem, count, os.fsdecode(path)) for problem, count, path in rows]


def _show(database: Database, table: ScoreTable, row: int) -> ShownTrack:
    path, seconds, *labels = database.connection.execute(
        "SELECT path, duration_seconds, artist, album, title, year FROM files JOIN tracks ON tracks.id = files.track "
        "WHERE files.id = ?",
        (int(table.files[row]),),
    ).fetchone()
    return ShownTrack(os.fsdecode(path), Labels(*labels), seconds)

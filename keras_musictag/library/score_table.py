"""The scores of a model for a whole library, as arrays."""

from dataclasses import dataclass

import numpy as np

from keras_musictag.audio.downmix import SILENT
from keras_musictag.library.database import Database, StoredModel
from keras_musictag.library.presence import PresenceThresholds, presence_thresholds
from keras_musictag.library.rules import threshold_array


@dataclass(frozen=True)
class Filters:
    """Which tracks are searched; None for no limit.

    Attributes:
        artist: Part of the artist in the file's own tags; capital letters do not count.
        years: First and last year.
        longer_seconds, shorter_seconds: Limits of the duration.
    """

    artist: str | None = None
    years: tuple[int, int] | None = None
    longer_seconds: float | None = None
    shorter_seconds: float | None = None


EVERYTHING = Filters()


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """The scores of one model.

    Attributes:
        model: The model.
        tracks: Int (tracks,), their numbers in rising order.
        files: Int (tracks,), the number of one file of each track that passes the filters.
        scores: Float32 (tracks, tags).
        vector_rows: Int (tracks,), the rows of the embeddings.
        thresholds: Float (tags,); NaN for a tag that is never present.
    """

    model: StoredModel
    tracks: np.ndarray
    files: np.ndarray
    scores: np.ndarray
    vector_rows: np.ndarray
    thresholds: np.ndarray


def read_score_table(
    database: Database,
    model: StoredModel,
    filters: Filters = EVERYTHING,
    thresholds: PresenceThresholds | None = None,
) -> ScoreTable:
    """Reads the scores of a model; of tracks that are silent or whose files are all missing, there are none."""
    conditions, values = _conditions(filters)
    database.connection.create_function("casefold", 1, lambda text: text and text.casefold())  # SQLite's: ASCII only
    rows = database.connection.execute(
        "SELECT results.track, min(files.id), vector_row, scores FROM results JOIN tracks ON tracks.id = results.track "
        "JOIN files ON files.track = results.track WHERE model = ? AND missing_since IS NULL"
        f" AND notes NOT LIKE '%\"{SILENT}%'{conditions} GROUP BY results.track ORDER BY results.track",
        (model.id, *values),
    ).fetchall()
    scores = np.frombuffer(b"".join(row[3] for row in rows), "<f4").reshape(len(rows), len(model.vocabulary))
    tracks, files, vector_rows = (np.array([row[i] for row in rows], np.int64) for i in range(3))
    limits = threshold_array(model, None, thresholds or presence_thresholds(model))
    return ScoreTable(model, tracks, files, scores, vector_rows, limits)


def _conditions(filters: Filters) -> tuple[str, list]:
    text, values = "", []
    for condition, value in (
        ("instr(casefold(artist), ?)", filters.artist and filters.artist.casefold()),
        ("year >= ?", filters.years and filters.years[0]),
        ("year <= ?", filters.years and filters.years[1]),
        ("duration_seconds >= ?", filters.longer_seconds),
        ("duration_seconds <= ?", filters.shorter_seconds),
    ):
        if value is not None:
            text += f" AND {condition}"
            values.append(value)
    return text, values

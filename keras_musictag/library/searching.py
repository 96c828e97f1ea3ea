"""Searches a library by words, by example, or both.

By words, the *match* of a track says how well the terms of the query hold, from 0 to 1. The certainty of a term is that
of its most certain tag over all models (`presence.certainties`: 0.5 at the tag's threshold); if the term has
opposites, it is averaged with one minus theirs. A negated term counts as one minus its certainty, and excludes the
tracks on which one of its tags is present. The match is the product over all terms. Silent tracks are never found.

By example, tracks are ranked by the cosine of their embedding and that of the example. Words then only select.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_musictag.errors import MusicTagError, UnknownNameError
from keras_musictag.library.database import Database, Labels, StoredModel
from keras_musictag.library.music_files import absolute_path
from keras_musictag.library.presence import certainties
from keras_musictag.library.query import Term, parse_query
from keras_musictag.library.score_table import EVERYTHING, Filters, ScoreTable, read_score_table
from keras_musictag.library.similarity import cosine_similarities, unit_rows
from keras_musictag.library.vectors import read_vectors
from keras_musictag.zoo.card import read_card
from keras_musictag.zoo.catalog import entries


@dataclass(frozen=True)
class Reason:
    """A tag that spoke for or against a track: its score, its threshold (None: it has none), and the model."""

    term: str
    tag: str
    score: float
    threshold: float | None
    model: str


@dataclass(frozen=True)
class Match:
    """A track that was found.

    Attributes:
        track: Its number in the database.
        path: One file of it.
        duration_seconds: Its duration.
        labels: What the file's own tags say.
        match: How well the words hold, from 0 to 1; None without words.
        similarity: Cosine of its embedding and the example's; None without an example.
        reasons: The tags that the match was computed from.
    """

    track: int
    path: str
    duration_seconds: float
    labels: Labels
    match: float | None
    similarity: float | None
    reasons: tuple[Reason, ...] = ()


def search_library(
    database: Database,
    words: str | None = None,
    example: np.ndarray | None = None,
    model: StoredModel | None = None,
    filters: Filters = EVERYTHING,
    top: int = 20,
    only_present: bool = False,
    without_track: int | None = None,
) -> list[Match]:
    """Finds tracks.

    Args:
        database: The library.
        words: Such as "calm piano, no vocals"; see `query`.
        example: The embedding of a track, float (features,), by `model`.
        model: The model to search by; None for the tags of all models (an example needs one).
        filters: Which tracks are searched.
        top: How many tracks are returned at most.
        only_present: Whether a wanted term must be present, that is, reach its threshold. With an example it must.
        without_track: Number of a track that is left out, such as the example itself.

    Returns:
        The best tracks, the best one first. Of several files with the same audio, one is returned.

    Raises:
        UnknownNameError: If a word is not a tag, or the library has no model.
        ValueError: If there are neither words nor an example.

    Example:
        >>> import tempfile
        >>> from keras_musictag import Vocabulary
        >>> with tempfile.TemporaryDirectory() as folder, Database(f"{folder}/library.db", create=True) as database:
        ...     model = database.add_model("my-own-v1", "", Vocabulary(("piano",)), 2)
        ...     track = database.add_track(b"hash of the audio", 60.0, ())
        ...     database.put_file("/music/a.mp3", 10, 20, track)
        ...     database.add_result(track, model, np.array([0.75]), 0, 20, "keras float32")
        ...     print([(match.path, match.match) for match in search_library(database, "piano")])
        [('/music/a.mp3', 0.75)]
    """
    return find_matches(database, words, example, model, filters, top, only_present, without_track)[0]


def find_matches(
    database: Database,
    words: str | None = None,
    example: np.ndarray | None = None,
    model: StoredModel | None = None,
    filters: Filters = EVERYTHING,
    top: int = 20,
    only_present: bool = False,
    without_track: int | None = None,
    skip: int = 0,
) -> tuple[list[Match], int]:
    """`search_library` without the first `skip` tracks, and the number of all tracks that were found."""
    if words is None and example is None:
        raise ValueError("The search needs words, an example, or both.")
    models = [model] if model is not None else database.models()
    if not models:
        raise UnknownNameError(
            "The library has no tracks yet. Scan a folder first: `keras-musictag library scan FOLDER`."
        )
    tables = [read_score_table(database, each, filters) for each in models]
    tracks, first = np.unique(np.concatenate([table.tracks for table in tables]), return_index=True)
    files = np.concatenate([table.files for table in tables])[first]
    terms = [] if words is None else parse_query(words, [tag for each in models for tag in each.vocabulary])
    match, eligible = _match(terms, tables, tracks, only_present or example is not None)
    rank, similarity = match, None
    if example is not None:
        rank = similarity = _similarity(database, tables[0], tracks, example)
    eligible &= (tracks != without_track) & np.isfinite(rank)
    found = np.flatnonzero(eligible)
    best = found[np.lexsort((tracks[found], -rank[found]))[skip : skip + top]]
    matches = [
        _describe(
            database,
            int(tracks[i]),
            int(files[i]),
            float(match[i]) if terms else None,
            None if similarity is None else float(similarity[i]),
            tuple(reason for term in terms for reason in _reasons(term, tables, int(tracks[i]))),
        )
        for i in best
    ]
    return matches, len(found)


def stored_example(database: Database, model: StoredModel, path: str | os.PathLike) -> tuple[int, np.ndarray] | None:
    """The track number and the embedding, float32 (features,), of a file of the library; None if it is not in it."""
    row = database.connection.execute(
        "SELECT results.track, vector_row FROM files JOIN results ON results.track = files.track "
        "WHERE path = ? AND model = ?",
        (os.fsencode(absolute_path(path)), model.id),
    ).fetchone()
    return None if row is None else (row[0], np.array(read_vectors(database, model)[row[1]]))


def embed_example(path: str | os.PathLike, model: StoredModel) -> np.ndarray:
    """Computes the embedding of any file as a scan does, float32 (features,). Loads the model, and TensorFlow with it.

    Raises:
        MusicTagError: If the model cannot be loaded by its name, or has other weights than those of the library.
        AudioError: If the file cannot be used as audio.
    """
    from keras_musictag.zoo.loading import load

    weights = entries().get(model.name) and read_card(entries()[model.name]).weights
    if not weights or model.weights_sha256 != (weights.sha256 or weights.git_blob_sha1):
        raise MusicTagError(
            f"{str(path)!r} is not in the library, and cannot be compared with it: the library was scanned with "
            f"{model.name!r}, and there is no zoo entry with this name and the same weights. Scan the file first."
        )
    return load(model.name).embed(path).mean(axis=0)


def mean_direction(vectors: Sequence[np.ndarray]) -> np.ndarray:
    """One example of several: the mean of the embeddings, each with length 1. Float (features,)."""
    return unit_rows(np.stack(vectors)).mean(axis=0)


def _match(terms: list[Term], tables: list[ScoreTable], tracks: np.ndarray, only_present: bool):
    """The match (tracks,), and which tracks may be returned (tracks,)."""
    match, eligible = np.ones(len(tracks)), np.ones(len(tracks), bool)
    for term in terms:
        with_tags = _certainty(term.tags, tables, tracks)
        against = _certainty(term.opposites, tables, tracks)
        certainty = np.where(np.isnan(against), with_tags, (with_tags + 1 - against) / 2)
        match *= 1 - certainty if term.negated else certainty  # NaN if no model with these tags has tagged the track
        if term.negated:
            eligible &= ~(with_tags >= 0.5)
        elif only_present:
            eligible &= with_tags >= 0.5
    return match, eligible & ~np.isnan(match)


def _certainty(tags: frozenset[str], tables: list[ScoreTable], tracks: np.ndarray) -> np.ndarray:
    """The certainty of the most certain of some tags, (tracks,); NaN if there is none."""
    best = np.full(len(tracks), np.nan)
    for table in tables:
        columns = [i for i, tag in enumerate(table.model.vocabulary) if tag in tags]
        if columns:
            rows = np.searchsorted(tracks, table.tracks)
            certainty = certainties(table.scores[:, columns], table.thresholds[columns]).max(axis=1)
            best[rows] = np.fmax(best[rows], certainty)
    return best


def _similarity(database: Database, table: ScoreTable, tracks: np.ndarray, example: np.ndarray) -> np.ndarray:
    """The cosines, (tracks,); NaN for tracks without an embedding by this model."""
    found = np.full(len(tracks), np.nan)
    cosines = cosine_similarities(read_vectors(database, table.model), example)
    found[np.searchsorted(tracks, table.tracks)] = cosines[table.vector_rows]
    return found


def _reasons(term: Term, tables: list[ScoreTable], track: int) -> list[Reason]:
    """The most certain of the term's tags, and of its opposites."""
    found = []
    for tags in (term.tags, term.opposites):
        candidates = []
        for table in tables:
            row = np.searchsorted(table.tracks, track)
            if row < len(table.tracks) and table.tracks[row] == track:
                certainty = certainties(table.scores[row], table.thresholds)
                candidates += [
                    (certainty[i], Reason(term.text, tag, float(table.scores[row, i]), limit, table.model.name))
                    for i, tag in enumerate(table.model.vocabulary)
                    if tag in tags
                    for limit in [None if np.isnan(table.thresholds[i]) else float(table.thresholds[i])]
                ]
        if candidates:
            found.append(max(candidates, key=lambda candidate: candidate[0])[1])
    return found


def _describe(database: Database, track: int, file: int, match, similarity, reasons) -> Match:
    path, seconds, *labels = database.connection.execute(
        "SELECT path, duration_seconds, artist, album, title, year FROM files JOIN tracks ON tracks.id = files.track "
        "WHERE files.id = ?",
        (file,),
    ).fetchone()
    return Match(track, os.fsdecode(path), seconds, Labels(*labels), match, similarity, reasons)

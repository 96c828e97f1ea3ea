"""The music library that the page shows: a database of `library scan`, only read. A scan may write to it meanwhile."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag.errors import AudioError, MusicTagError, UnknownNameError, printable
from keras_musictag.library.database import Database, Labels, StoredModel
from keras_musictag.library.presence import are_present, presence_thresholds
from keras_musictag.library.rules import threshold_array
from keras_musictag.library.searching import Match, find_matches, stored_example
from keras_musictag.web.replies import refusal
from keras_musictag.web.reports import without_folder

SHOWN_PARTS = 3  # of a path: usually artist, album and file


class LibraryView:
    """What the page shows of a library.

    Args:
        path: The database; None if there is no library.

    Attributes:
        examples: Embeddings of sources that were compared with the library: see `examples`.
    """

    def __init__(self, path: Path | None):
        self.path = path and path.resolve()
        self.examples: dict[tuple, np.ndarray] = {}

    @contextmanager
    def opened(self) -> Iterator[Database]:
        """The database, for a `with` block in any thread.

        Raises:
            HTTPException: 404 if there is no library, 503 if its database cannot be read.
        """
        if self.path is None:
            raise refusal(
                404, "There is no library. Scan a folder with `keras-musictag library scan`, then use `--db`."
            )
        try:
            with Database(self.path, read_only=True) as database:
                yield database
        except (UnknownNameError, AudioError):
            raise
        except (FileNotFoundError, MusicTagError, sqlite3.Error) as error:
            raise refusal(503, without_folder(self.path.parent, error)) from error

    def summary(self) -> dict[str, Any]:
        """What the library holds, as plain data for JSON."""
        if self.path is None:
            return {"available": False}
        with self.opened() as database:
            counts = database.count_files()
            models = [
                {
                    "name": model.name,
                    "tracks": database.count_results(model),
                    "tags": list(model.vocabulary.names),
                    "thresholds": _origin(model),
                }
                for model in database.models()
            ]
        numbers = {"tracks": counts.tracks, "files": counts.tagged, "missing": counts.missing}
        numbers |= {"problems": counts.problems, "seconds": counts.seconds}
        return {"available": True, "name": printable(self.path.name), **numbers, "models": models}

    def search(
        self,
        words: str | None = None,
        track: int | None = None,
        example: tuple[StoredModel, np.ndarray] | None = None,
        model: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> dict[str, Any]:
        """Finds tracks by words, by a track of the library, or by another example, as plain data for JSON.

        Args:
            words: See `library.query`.
            track: Number of the track that the others are compared with.
            example: A stored model and an embedding by it, instead of a track.
            model: Name of the model to search by; None for all, and for the newest one with an example.
            limit: How many tracks are returned at most.
            offset: How many of the best tracks are left out.

        Raises:
            HTTPException: 400 with the reason if the words are not a query; 404 if there is no such track.
            UnknownNameError: If there is no such model.
        """
        with self.opened() as database:
            chosen, vector = example or (None, None)
            if chosen is None and (model is not None or track is not None):
                chosen = database.find_model(model)
            if track is not None:
                vector = _vector_of(database, chosen, track)
            try:
                found, total = find_matches(
                    database, words, vector, chosen, top=limit, without_track=track, skip=offset
                )
            except (UnknownNameError, ValueError) as error:
                raise refusal(400, str(error)) from error
            root = _common_folder(database)
            return {"matches": [_shown_match(match, root) for match in found], "total": total}

    def find_model(self, name: str | None = None) -> StoredModel:
        """A model whose scores are stored; None for the newest one.

        Raises:
            UnknownNameError: If there is none.
        """
        with self.opened() as database:
            return database.find_model(name)

    def track(self, number: int) -> dict[str, Any]:
        """A track with its scores by each model, the highest ones first, as plain data for JSON.

        Raises:
            HTTPException: 404 if there is no such track, or its files are missing.
        """
        with self.opened() as database:
            models = database.models()
            files = [(model, file) for model in models for file in list(database.scored_files(model, number))[:1]]
            if not files:
                raise refusal(404, f"There is no track {number} in the library. Was its file removed? Search again.")
            first = files[0][1]
            about = _shown_file(number, first.path, first.labels, first.duration_seconds, _common_folder(database))
        scores = {}
        for model, file in files:
            thresholds = threshold_array(model, None, presence_thresholds(model))
            present = are_present(file, thresholds)
            rows = [
                {
                    "tag": tag,
                    "group": group,
                    "score": round(float(score), 4),
                    "threshold": None if np.isnan(threshold) else float(threshold),
                    "present": bool(there),
                }
                for tag, group, score, threshold, there in zip(
                    model.vocabulary.names, model.vocabulary.groups, file.scores, thresholds, present, strict=True
                )
            ]
            scores[model.name] = sorted(rows, key=lambda row: -row["score"])
        return {**about, "notes": list(first.notes), "scores": scores}


def _origin(model: StoredModel) -> str | None:
    origin = presence_thresholds(model).origin
    return None if origin == "none" else origin


def _vector_of(database: Database, model: StoredModel, track: int) -> np.ndarray:
    """The stored embedding of a track."""
    file = next(database.scored_files(model, track), None)
    example = file and stored_example(database, model, file.path)
    if example is None:
        raise refusal(404, f"There is no track {track} in the library that {model.name} has tagged. Search again.")
    return example[1]


def _common_folder(database: Database) -> str:
    """The folder that all files of the library are in."""
    query = "SELECT min(path), max(path) FROM files"  # what these two have in common, all paths between them have
    folders = [os.path.dirname(os.fsdecode(path)) for path in database.connection.execute(query).fetchone() if path]
    try:
        return os.path.commonpath(folders)
    except ValueError:  # on several drives
        return ""


def _shown_match(match: Match, root: str) -> dict[str, Any]:
    score = match.match if match.similarity is None else match.similarity
    about = _shown_file(match.track, match.path, match.labels, match.duration_seconds, root)
    reasons = [{**asdict(reason), "score": round(reason.score, 4)} for reason in match.reasons]
    return {**about, "score": round(score, 6), "reasons": reasons}


def _shown_file(track: int, path: str, labels: Labels, seconds: float, root: str) -> dict[str, Any]:
    """What clients learn about a file: of its path, only the end below the folder that all files are in."""
    parts = Path(path).parts[len(Path(root).parts) :] if root else (os.path.basename(path),)
    return {
        "source": f"track:{track}",
        "title": _shown(labels.title) or printable(Path(path).stem),
        "artist": _shown(labels.artist),
        "album": _shown(labels.album),
        "year": labels.year,
        "name": printable("/".join(parts[-SHOWN_PARTS:])),
        "seconds": seconds,
    }


def _shown(label: str | None) -> str | None:
    return None if label is None else printable(label)

"""The database of a music library, one SQLite file. Its tables: `database_format`. The embeddings: `vectors`.

- A *track* is a recording. It is identified by the hash of its compressed audio stream, so a file that was moved,
  renamed or retagged, and a second copy of a file, are the same track.
- A *file* is a path, with what was there when it was last scanned: a track, or a problem that says why it could not be
  tagged. A file that has disappeared is marked as missing and keeps its row.
- A *model* is a zoo entry together with the hash of its weights. Each has its own scores of the same tracks.

Only one process writes at a time (`writing`); others can read at any moment.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import astuple, dataclass, field
from pathlib import Path

import numpy as np

from keras_musictag.errors import MusicTagError, UnknownNameError
from keras_musictag.files import locked
from keras_musictag.library.database_format import check_or_create, connect, transaction
from keras_musictag.tags.vocabulary import Vocabulary
from keras_musictag.user_folders import data_folder

TRY_AGAIN = -1  # the stored modification time of a file that the next scan reads in any case


@dataclass(frozen=True)
class StoredModel:
    """A model whose scores are in a database.

    Attributes:
        id: Its number in the database.
        name: Name of the zoo entry, or of the file of the model.
        weights_sha256: Hash of its weights.
        vocabulary: The tags, in the order of the scores.
        features: Length of an embedding.
    """

    id: int
    name: str
    weights_sha256: str
    vocabulary: Vocabulary
    features: int


@dataclass(frozen=True)
class Labels:
    """What a file's own tags say; None where they say nothing."""

    artist: str | None = None
    album: str | None = None
    title: str | None = None
    year: int | None = None


@dataclass(frozen=True)
class Problem:
    """A file that could not be tagged, and why."""

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class ScoredFile:
    """A file of the library with the scores of one model.

    Attributes:
        path: Absolute path; bytes of its name that are not valid UTF-8 are surrogates, as in `os.fsdecode`.
        track: Number of the track: the same for copies of one recording.
        duration_seconds: Decoded duration, in seconds.
        scores: Float32 (tags,).
        vector_row: Row of the embedding in `vectors.Vectors`.
        labels: What the file's own tags say.
        notes: Sentences that a listener should know.
    """

    path: str
    track: int
    duration_seconds: float
    scores: np.ndarray = field(repr=False)
    vector_row: int
    labels: Labels
    notes: tuple[str, ...]


@dataclass(frozen=True)
class FileCounts:
    """What a library holds.

    Attributes:
        tagged: Files that exist and whose track is known.
        problems: Files that exist and could not be tagged.
        missing: Files that have disappeared.
        tracks: Different recordings, also those whose files are missing.
        seconds: Their duration, in seconds.
    """

    tagged: int
    problems: int
    missing: int
    tracks: int
    seconds: float


def default_database() -> Path:
    """The database that commands use without `--db`: `library.db` in the user's data folder."""
    return data_folder() / "library.db"


class Database:
    """An open database: a context manager.

    Args:
        path: The SQLite file.
        create: Whether to create it if it is missing.
        read_only: Whether to open it only for reading. Another process may write to it at the same time.

    Raises:
        FileNotFoundError: If it is missing, and `create` is false.
        MusicTagError: If it is not a database of this package, or was written by a newer version of it.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, Database(f"{folder}/library.db", create=True) as database:
        ...     database.models()
        []
    """

    def __init__(self, path: str | os.PathLike, create: bool = False, read_only: bool = False):
        self.path = Path(os.path.realpath(path))  # the files next to it must be the same by each link to it
        if (read_only or not create) and not self.path.is_file():
            raise FileNotFoundError(
                f"There is no library database {str(self.path)!r}. Make one with `keras-musictag library scan FOLDER`, "
                "or name another file with `--db`."
            )
        if not read_only:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.connection = connect(self.path, read_only)
        except sqlite3.OperationalError as error:
            raise MusicTagError(
                f"The library database {str(self.path)!r} cannot be opened ({error}). Is it a file, in a folder where "
                "you may write? Name another one with `--db`."
            ) from error
        try:
            check_or_create(self.connection, self.path, read_only)
        except BaseException:
            self.connection.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self.connection.close()

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Makes this process the only one that writes, for a `with` block.

        Raises:
            MusicTagError: If another process is writing.
        """
        with locked(self.path.parent, f".{self.path.name}.lock"):
            yield

    def transaction(self, locks: bool = True) -> AbstractContextManager[sqlite3.Connection]:
        """What is done in the `with` block is stored completely or not at all.

        Args:
            locks: Whether no other connection may write from the beginning; if not, from the first change.
        """
        return transaction(self.connection, locks)

    def models(self) -> list[StoredModel]:
        """The models whose scores are stored, in the order in which they were first used."""
        rows = self.connection.execute("SELECT id, name, weights_sha256, tags, features FROM models ORDER BY id")
        return [
            StoredModel(number, name, sha256, Vocabulary.of(json.loads(tags)), features)
            for number, name, sha256, tags, features in rows
        ]

    def find_model(self, name: str | None = None) -> StoredModel:
        """Finds a stored model: the newest one whose name is, or begins with, `name`; without a name, the newest one.

        Raises:
            UnknownNameError: If there is none.
        """
        models = self.models()
        found = [model for model in models if name is None or model.name == name]
        found = found or [model for model in models if model.name.startswith(f"{name}-")]
        if not found:
            raise UnknownNameError.of("model in the library", name or "", [model.name for model in models])
        return found[-1]

    def scored_files(self, model: StoredModel, track: int | None = None) -> Iterator[ScoredFile]:
        """The files that exist and were tagged by a model, in the order of their paths; all, or those of one track."""
        rows = self.connection.execute(
            "SELECT path, tracks.id, duration_seconds, scores, vector_row, artist, album, title, year, notes "
            # CROSS JOIN: SQLite must begin with `files`, in the order of the paths, else it would sort all scores
            "FROM files CROSS JOIN tracks ON files.track = tracks.id CROSS JOIN results ON results.track = tracks.id "
            f"WHERE results.model = ? AND missing_since IS NULL{'' if track is None else ' AND files.track = ?'} "
            "ORDER BY path",
            (model.id,) if track is None else (model.id, track),
        )
        for path, track, seconds, scores, vector_row, artist, album, title, year, notes in rows:
            labels = Labels(artist, album, title, year)
            scores, notes = np.frombuffer(scores, "<f4"), tuple(json.loads(notes))
            yield ScoredFile(os.fsdecode(path), track, seconds, scores, vector_row, labels, notes)

    def files_of_track(self, track: int) -> list[tuple[str, Labels]]:
        """The path and the labels of each file of a track that exists, in the order of the paths."""
        rows = self.connection.execute(
            "SELECT path, artist, album, title, year FROM files "
            "WHERE track = ? AND missing_since IS NULL ORDER BY path",
            (track,),
        )
        return [(os.fsdecode(path), Labels(*labels)) for path, *labels in rows]

    def problems(self) -> list[Problem]:
        """The files that exist and could not be tagged, in the order of their paths."""
        rows = self.connection.execute(
            "SELECT path, problem FROM files WHERE problem IS NOT NULL AND missing_since IS NULL ORDER BY path"
        )
        return [Problem(os.fsdecode(path), reason) for path, reason in rows]

    def retry_problems(self) -> int:
        """Makes the next scan read the files with problems again, and returns how many. Call it in `writing`."""
        query = "UPDATE files SET mtime_ns = ? WHERE problem IS NOT NULL AND missing_since IS NULL"
        return self.connection.execute(query, (TRY_AGAIN,)).rowcount

    def count_files(self) -> FileCounts:
        """Counts the files."""
        query = (
            "SELECT count(*) FILTER (WHERE missing_since IS NULL AND problem IS NULL), "
            "count(*) FILTER (WHERE missing_since IS NULL AND problem IS NOT NULL), "
            "count(*) FILTER (WHERE missing_since IS NOT NULL) FROM files"
        )
        tracks = "SELECT count(*), coalesce(sum(duration_seconds), 0.0) FROM tracks"
        return FileCounts(*self.connection.execute(query).fetchone(), *self.connection.execute(tracks).fetchone())

    def count_results(self, model: StoredModel) -> int:
        """Counts the tracks that a model has scored."""
        query = "SELECT count(*) FROM results WHERE model = ?"
        return self.connection.execute(query, (model.id,)).fetchone()[0]

    def add_model(self, name: str, weights_sha256: str, vocabulary: Vocabulary, features: int) -> StoredModel:
        """Finds the stored model with this name and these weights, or stores it."""
        self.connection.execute(
            "INSERT INTO models (name, weights_sha256, tags, features) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (name, weights_sha256, json.dumps(vocabulary.to_list()), features),
        )
        return next(m for m in self.models() if (m.name, m.weights_sha256) == (name, weights_sha256))

    def add_track(self, audio_sha256: bytes, duration_seconds: float, notes: tuple[str, ...]) -> int:
        """Stores a track, or finds it, and returns its number."""
        self.connection.execute(
            "INSERT INTO tracks (audio_sha256, duration_seconds, notes) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (audio_sha256, duration_seconds, json.dumps(notes)),
        )
        (number,) = self.connection.execute("SELECT id FROM tracks WHERE audio_sha256 = ?", (audio_sha256,)).fetchone()
        return number

    def put_file(
        self,
        path: str,
        size_bytes: int,
        mtime_ns: int,
        track: int | None = None,
        problem: str | None = None,
        labels: Labels = Labels(),
    ) -> None:
        """Stores what is at a path, in place of what was there before. It is no longer missing."""
        values = (os.fsencode(path), size_bytes, mtime_ns, track, problem, *astuple(labels))
        self.connection.execute(
            "INSERT INTO files (path, bytes, mtime_ns, track, problem, artist, album, title, year) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET bytes = excluded.bytes, "
            "mtime_ns = excluded.mtime_ns, track = excluded.track, problem = excluded.problem, missing_since = NULL, "
            "artist = excluded.artist, album = excluded.album, title = excluded.title, year = excluded.year",
            values,
        )

    def file_state(self, path: str) -> tuple[int, int] | None:
        """Length in bytes and modification time of a file when it was last scanned; None if it was not."""
        row = self.connection.execute("SELECT bytes, mtime_ns FROM files WHERE path = ?", (os.fsencode(path),))
        return row.fetchone()

    def update_file_state(self, path: str, size_bytes: int, mtime_ns: int) -> None:
        """Stores that a file was retagged: the next scan has nothing to do with it. Other paths are ignored.

        A full disk is no error: the next scan then recognises the file by its audio.

        Raises:
            MusicTagError: If the database cannot be written for another reason.
        """
        values = (size_bytes, mtime_ns, os.fsencode(path))
        try:
            self.connection.execute("UPDATE files SET bytes = ?, mtime_ns = ? WHERE path = ?", values)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise MusicTagError(
                    f"{str(self.path)!r} cannot be written ({error}). May you write to it, and is its disk sound? The "
                    "files that were changed so far are in the journal."
                ) from error

    def add_result(
        self, track: int, model: StoredModel, scores: np.ndarray, vector_row: int, chunks: int, engine: str
    ) -> None:
        """Stores the scores of a track, float (tags,). Its embedding must already be in the file of vectors."""
        self.connection.execute(
            "INSERT OR REPLACE INTO results (track, model, scores, vector_row, chunks, engine) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (track, model.id, np.asarray(scores, "<f4").tobytes(), vector_row, chunks, engine),
        )

"""The format of a library's database: its tables, how its file is opened and checked, and transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_musictag.errors import MusicTagError

APPLICATION_ID = 0x4B4D5447  # "KMTG": tells our databases from those of other programs
VERSION = 1  # of the schema; increase it with each change, and add the step that updates older files
SCHEMA = """
CREATE TABLE IF NOT EXISTS models (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    weights_sha256 TEXT NOT NULL,
    tags TEXT NOT NULL,                     -- JSON: [{"name": ..., "group": ...}, ...], in the order of the scores
    features INTEGER NOT NULL,              -- length of an embedding
    UNIQUE (name, weights_sha256)
);
CREATE TABLE IF NOT EXISTS tracks (
    id INTEGER PRIMARY KEY,
    audio_sha256 BLOB NOT NULL UNIQUE,      -- of the compressed audio stream, without tags and pictures
    duration_seconds REAL NOT NULL,
    notes TEXT NOT NULL                     -- JSON: sentences that a listener should know
);
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,              -- absolute, as bytes, because a name can be in any encoding
    bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    track INTEGER REFERENCES tracks,        -- NULL if there is a problem
    problem TEXT,                           -- why the file could not be tagged
    missing_since TEXT,                     -- ISO 8601 in UTC, NULL while the file exists
    artist TEXT, album TEXT, title TEXT, year INTEGER
);
CREATE INDEX IF NOT EXISTS files_by_track ON files (track);
CREATE TABLE IF NOT EXISTS results (
    track INTEGER NOT NULL REFERENCES tracks,
    model INTEGER NOT NULL REFERENCES models,
    scores BLOB NOT NULL,                   -- float32, little-endian, (tags,)
    vector_row INTEGER NOT NULL,            -- row of the embedding in the model's file of vectors
    chunks INTEGER NOT NULL,
    engine TEXT NOT NULL,                   -- what computed them, such as "onnx float32"
    PRIMARY KEY (track, model)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS results_by_row ON results (model, vector_row);
"""


def connect(path: Path, read_only: bool) -> sqlite3.Connection:
    """Opens a file with SQLite, without a look at its content."""
    options = {"timeout": 60.0, "isolation_level": None}
    if not read_only:
        return sqlite3.connect(path, **options)
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, **options)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError:
        connection.close()
        # In a folder that cannot be written to, SQLite cannot create the files by which readers and writers agree. If
        # there are none, nobody writes.
        if any(path.with_name(f"{path.name}{ending}").exists() for ending in ("-wal", "-shm")):
            raise
        return sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True, **options)
    except sqlite3.DatabaseError:
        pass  # the check says what is wrong with the file
    return connection


def check_or_create(connection: sqlite3.Connection, path: Path, read_only: bool) -> None:
    """Makes the tables in an empty file, and checks another one.

    Raises:
        MusicTagError: If it is not a database of this package, was written by a newer version, or is empty and
            `read_only` is true.
    """
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        raise MusicTagError(
            f"{str(path)!r} is not a library database, or is damaged ({error}). Name another file with `--db`."
        ) from error
    if tables == 0 and not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        with transaction(connection):
            for statement in SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
    elif tables == 0:
        raise MusicTagError(
            f"{str(path)!r} is empty. Fill it with `keras-musictag library scan FOLDER`, or name another file "
            "with `--db`."
        )
    elif application != APPLICATION_ID:
        raise MusicTagError(f"{str(path)!r} is a database of another program. Name another file with `--db`.")
    elif version > VERSION:
        raise MusicTagError(
            f"{str(path)!r} was written by a newer version of keras-musictag (format {version}; this one "
            f"reads up to {VERSION}). Update keras-musictag."
        )


@contextmanager
def transaction(connection: sqlite3.Connection, locks: bool = True) -> Iterator[sqlite3.Connection]:
    """See `Database.transaction`."""
    connection.execute("BEGIN IMMEDIATE" if locks else "BEGIN")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has already ended it if the disk is full
            connection.execute("ROLLBACK")
        raise

"""Parts -> the database of a library. It does not need Ray, and importing a part twice changes nothing."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from keras_musictag.errors import MusicTagError
from keras_musictag.files import is_scratch
from keras_musictag.library.database import Database, StoredModel
from keras_musictag.library.part_files import Part, ScannedFile
from keras_musictag.library.vectors import VectorWriter

PART_PATTERN = "*.parquet"


@dataclass
class ImportSummary:
    """What an import has done.

    Attributes:
        files: Rows that were read.
        changed: Files that are new in the database, or were newer in the part.
        tracks: Tracks whose results are new.
        problems: Rows with a problem.

    Example:
        >>> ImportSummary().files
        0
    """

    files: int = 0
    changed: int = 0
    tracks: int = 0
    problems: int = 0


def import_parts(
    parts: Iterable[str | os.PathLike],
    database: Database,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> ImportSummary:
    """Takes what `distribute` wrote into a database. Each part is imported completely or not at all.

    A file that the database knows from a later time stays as it is, and so do the results of a track that it has.

    Args:
        parts: Parquet files, or folders of them.
        database: The database.
        report: Called after each part, with the number of parts that are done and in all.

    Returns:
        An `ImportSummary`.

    Raises:
        FileNotFoundError: If a part does not exist, or a folder has none.
        MusicTagError: If a file is not a part or is damaged, pyarrow is not installed, or another process writes into
            the database. Parts before it stay imported.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, Database(f"{folder}/library.db", create=True) as database:
        ...     import_parts([], database)
        ImportSummary(files=0, changed=0, tracks=0, problems=0)
    """
    paths = [path for part in parts for path in _files(Path(part))]
    summary = ImportSummary()
    with database.writing():
        for done, path in enumerate(paths, start=1):
            with Part(path) as part:
                _import_part(part, database, summary)
            report(done, len(paths))
    return summary


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    # a worker that was killed while it wrote leaves a scratch file with the same ending
    if found := sorted(file for file in path.glob(PART_PATTERN) if not is_scratch(file)):
        return found
    raise FileNotFoundError(f"There are no parts in {str(path)!r}: expected files named {PART_PATTERN}.")


def _import_part(part: Part, database: Database, summary: ImportSummary) -> None:
    with database.transaction():
        model = database.add_model(part.name, part.weights_sha256, part.vocabulary, part.features)
        if (model.vocabulary, model.features) != (part.vocabulary, part.features):
            raise MusicTagError(f"{str(part.path)!r} names the model {model.name!r}, but has other tags. Scan again.")
        with VectorWriter(database, model) as vectors:
            for file in part:
                summary.files += 1
                if file.problem is not None:
                    summary.problems += 1
                    track = None
                else:
                    track = _import_result(file, model, database, vectors, summary)
                if _is_news(file, database):
                    database.put_file(file.path, file.size_bytes, file.mtime_ns, track, file.problem, file.labels)
                    summary.changed += 1
            vectors.sync()  # before the rows are committed


def _import_result(
    file: ScannedFile, model: StoredModel, database: Database, vectors: VectorWriter, summary: ImportSummary
) -> int:
    """Stores the results of the file's track, unless the model has some, and returns the track's number."""
    track = database.add_track(file.audio_sha256, file.duration_seconds, file.notes)
    query = "SELECT 1 FROM results WHERE track = ? AND model = ?"
    if database.connection.execute(query, (track, model.id)).fetchone() is None:
        row = vectors.append(file.embedding)
        database.add_result(track, model, file.scores, row, file.chunks, file.engine)
        summary.tracks += 1
    return track


def _is_news(file: ScannedFile, database: Database) -> bool:
    """Whether the row of a file is to replace what the database has, if anything."""
    query = "SELECT mtime_ns, problem FROM files WHERE path = ?"
    stored = database.connection.execute(query, (os.fsencode(file.path),)).fetchone()
    if stored is None:
        return True
    mtime_ns, problem = stored
    return file.mtime_ns > mtime_ns or (file.mtime_ns == mtime_ns and problem is not None and file.problem is None)

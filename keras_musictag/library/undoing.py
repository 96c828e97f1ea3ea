"""Takes back what a run of `library write` wrote: each file becomes what it was, to the byte."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from keras_musictag.errors import MusicTagError
from keras_musictag.library import replacing
from keras_musictag.library.binary_difference import restore
from keras_musictag.library.database import Database
from keras_musictag.library.journal import FileVersion, JournalEntry, Run
from keras_musictag.library.music_files import storable_ns


@dataclass(frozen=True)
class UndoReport:
    """What happened to a file.

    Attributes:
        path: The file.
        is_restored: Whether it is what it was before the run, now or already before.
        problem: Why it was left alone; None if it is restored.
    """

    path: str
    is_restored: bool
    problem: str | None = None


def undo_run(
    run: Run, database: Database | None = None, *, later: list[Run] = (), hard_links: bool = False
) -> Iterator[UndoReport]:
    """Restores the files that a run changed, the last one first, with their modification times.

    A file that something else has changed since is left alone. If the process is killed, each file is one of the two
    versions, and undoing the run again restores the rest.

    Args:
        run: The run: see `find_run`.
        database: The library's database, where the files' new states are stored; None if it no longer exists.
        later: Runs after this one, to name the one that changed a file again.
        hard_links: Whether files that have several names by now are restored, under the name in the journal only.

    Yields:
        A report per file.

    Raises:
        MusicTagError: If the journal is damaged, or the database cannot be written.
    """
    entries, problems = list(run.entries()), 0
    folders: set[str] = set()
    for entry in reversed(entries):
        replacing.remove_leftovers(folders, entry.path)
        try:
            state = _restore_file(entry, later, hard_links)
        except Exception as error:  # as in `write_tags`
            problems += 1
            yield UndoReport(entry.path, False, replacing.reason(error))
            continue
        if database:
            database.update_file_state(entry.library_path, state.st_size, storable_ns(state.st_mtime_ns))
        yield UndoReport(entry.path, True)
    if not problems:
        run.mark_undone()


def _restore_file(entry: JournalEntry, later: list[Run], hard_links: bool) -> os.stat_result:
    """Returns the state of the restored file."""
    if not os.path.isfile(entry.path):
        raise MusicTagError("it no longer exists here: if you moved it, move it back")
    with replacing.scratch_file(entry.path) as scratch:
        with open(entry.path, "rb", buffering=0) as new:
            state = os.fstat(new.fileno())
            sizes = {entry.before.size_bytes, entry.after.size_bytes}
            current = replacing.version_of(new) if state.st_size in sizes else None
            if current == entry.before:
                return state  # which the database may not know, if the process was killed just before that
            if current != entry.after:
                raise MusicTagError(_what_changed_it(current or replacing.version_of(new), entry, later))
            replacing.check_replaceable(entry.path, state, hard_links)
            with open(scratch, "xb+") as old:
                restore(entry.recipe, new, old)
                if replacing.version_of(old) != entry.before:
                    raise MusicTagError("the stored difference does not give the version before the run")
        replacing.prepare(scratch, entry.path, state)  # after closing the file, as in `write_tags`
        os.utime(scratch, ns=(state.st_atime_ns, entry.mtime_ns))
        return replacing.replace(scratch, entry.path, state)


def _what_changed_it(current: FileVersion, entry: JournalEntry, later: list[Run]) -> str:
    for run in later:
        if any(other.path == entry.path and other.after == current for other in run.entries()):
            return f"it was changed again by the later run {run.name}: undo that one first"
    return "another program has changed it since"

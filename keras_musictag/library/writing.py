"""Writes tags into the files of a library: planned first, each with an entry in the journal, and safe at any moment."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from keras_musictag.choices import WRITE_MODES
from keras_musictag.errors import MusicTagError
from keras_musictag.library import replacing
from keras_musictag.library.binary_difference import difference, restore
from keras_musictag.library.database import Database
from keras_musictag.library.file_tags import Fields, FileTags, ValueChange, changed_fields, value_changes
from keras_musictag.library.journal import FileVersion, Journal, JournalEntry, JournalError, journal_folder, list_runs
from keras_musictag.library.kept_content import KeptContent, read_content
from keras_musictag.library.music_files import storable_ns


@dataclass(frozen=True)
class FileReport:
    """What happens, or happened, to a file.

    Attributes:
        path: Its path in the library.
        changes: The values that are added and removed; empty if nothing changes.
        problem: Why nothing can be written; None if it can.
    """

    path: str
    changes: tuple[ValueChange, ...] = ()
    problem: str | None = None


def write_tags(
    database: Database,
    wanted: Iterable[tuple[str, FileTags]],
    *,
    mode: str = "add",
    dry_run: bool = True,
    hard_links: bool = False,
    keep_mtime: bool = False,
) -> Iterator[FileReport]:
    """Writes tags into files of a library, or says what it would write.

    Each file that changes has an entry in the journal, for `undo_run`, before it is touched. If the process is killed,
    each file is the old version or the new one. Afterwards, a scan does not process the files again.

    Args:
        database: The library's database, where other processes must not write: see `Database.writing`.
        wanted: Paths in the library, and what to write.
        mode: "add" keeps what a file has and adds what is missing, "fill" writes only empty fields, "replace" replaces
            genres and moods.
        dry_run: Whether nothing is written.
        hard_links: Whether files with several names are written. The name in the library gets its own content; the
            other names keep the old one.
        keep_mtime: Whether files keep their modification time.

    Yields:
        A report per file.

    Raises:
        ValueError: If the mode is unknown.
        MusicTagError: If mutagen is not installed; if the journal cannot be written, and then the file is not touched;
            or if the database cannot be written.
    """
    if mode not in WRITE_MODES:
        raise ValueError(f"`mode` must be one of {', '.join(WRITE_MODES)}. Received: {mode!r}.")
    _check_installed()
    _finish_killed_run(database)
    options = _Options(mode, dry_run, hard_links, keep_mtime)
    written, folders = set(), set()
    with Journal(journal_folder(database.path), vars(options)) as journal:
        for path, tags in wanted:
            target, fields = os.path.realpath(path), tags.fields()
            if not any(fields.values()):
                yield FileReport(path)
                continue
            if target in written:  # by a symbolic link
                if not dry_run:
                    _update_database(database, path, os.stat(target))
                continue
            if not dry_run:
                replacing.remove_leftovers(folders, target)
            try:
                plan, state = _write_file(database, path, target, fields, journal, options)
            except JournalError:
                raise
            except Exception as error:  # a file that no one has foreseen must not stop the others
                yield FileReport(path, problem=replacing.reason(error))
                continue
            if state:
                _update_database(database, path, state)
            if plan.changes:
                written.add(target)
            yield FileReport(path, value_changes(plan.stored, plan.changes))


@dataclass(frozen=True)
class _Options:
    mode: str
    dry_run: bool
    hard_links: bool
    keep_mtime: bool


@dataclass(frozen=True)
class _Plan:
    stored: Fields
    changes: Fields


def _write_file(
    database: Database, path: str, target: str, wanted: Fields, journal: Journal, options: _Options
) -> tuple[_Plan, os.stat_result | None]:
    """Returns the plan, and the state of the new version if one was written."""
    state = os.stat(target)
    if not stat.S_ISREG(state.st_mode):
        raise MusicTagError("it is not a regular file")
    if database.file_state(path) != (state.st_size, storable_ns(state.st_mtime_ns)):
        raise MusicTagError("it has changed since it was scanned: run `keras-musictag library scan` again")
    with replacing.scratch_file(target) as scratch:
        with open(target, "rb", buffering=0) as file:
            plan = _plan(file, wanted, options.mode)
            if plan.changes:
                replacing.check_replaceable(target, state, options.hard_links)
            if options.dry_run or not plan.changes:
                return plan, None
            before, after, recipe = _make_new_version(file, scratch, plan)
        replacing.prepare(scratch, target, state)  # after closing the file: Windows does not replace an open one
        if options.keep_mtime:
            os.utime(scratch, ns=(state.st_atime_ns, state.st_mtime_ns))
        journal.add(JournalEntry(target, path, before, after, state.st_mtime_ns, recipe))
        return plan, replacing.replace(scratch, target, state)


def _plan(file: BinaryIO, wanted: Fields, mode: str) -> _Plan:
    from keras_musictag.library.tag_formats import TagFile

    tags = TagFile(file)
    stored = tags.fields()
    if tags.separator:  # a value that contains it would be read as several
        wanted = {field: tuple(p for v in values for p in v.split(tags.separator)) for field, values in wanted.items()}
    return _Plan(stored, changed_fields(stored, wanted, mode))


def _make_new_version(old: BinaryIO, scratch: Path, plan: _Plan) -> tuple[FileVersion, FileVersion, bytes]:
    """Writes the new version of a file, and checks that only our fields differ and that undoing works."""
    from keras_musictag.library.tag_formats import TagFile

    tags, content = TagFile(old), read_content(old)
    if not set(content.containers) & set(tags.format.containers):
        raise MusicTagError(f"it looks like {tags.format.name} and like {content.containers[0]}")
    with open(scratch, "xb+") as new:
        before = replacing.version_of(old, copy_to=new)
        tags.save(new, plan.changes)
    with open(scratch, "rb", buffering=0) as new:
        _check_result(new, tags, content, plan)
        recipe, restored = difference(old, new), replacing.VersionHash()
        restore(recipe, new, restored)
        if restored.version() != before:
            raise MusicTagError(
                "another program changed it at the same moment: run `keras-musictag library scan`, then try again"
            )
        return before, replacing.version_of(new), recipe


def _check_result(new: BinaryIO, old_tags, content: KeptContent, plan: _Plan) -> None:
    """Compares the new version with the old one: only our fields may differ."""
    from keras_musictag.library.tag_formats import TagFile

    tags, written = TagFile(new, old_tags.format), read_content(new)
    if written.streams != content.streams:
        raise MusicTagError("its audio or pictures would change")
    others = content.tags.items() ^ written.tags.items()
    if others and not old_tags.converts:
        raise MusicTagError(f"its tag {sorted(others)[0][0][1]!r} would change")
    if tags.others(old_tags.converts) != old_tags.others(old_tags.converts):
        raise MusicTagError("its other tags would change")
    expected = {field: values for field, values in {**plan.stored, **plan.changes}.items() if values}
    if {field: values for field, values in tags.fields().items() if values} != expected:
        raise MusicTagError("the tags cannot be read back as they were written")


def _finish_killed_run(database: Database) -> None:
    """Stores the state of the last file that was written, if the process was killed just before that."""
    with suppress(OSError, MusicTagError):  # then the file has changed since it was scanned, or `undo` reports it
        runs = list_runs(database.path)
        entry = runs[-1].last_entry() if runs else None
        before = entry and (entry.before.size_bytes, storable_ns(entry.mtime_ns))
        if entry is None or database.file_state(entry.library_path) != before:
            return
        with open(entry.path, "rb", buffering=0) as file:
            state = os.fstat(file.fileno())
            if replacing.version_of(file) == entry.after:
                _update_database(database, entry.library_path, state)


def _update_database(database: Database, path: str, state: os.stat_result) -> None:
    database.update_file_state(path, state.st_size, storable_ns(state.st_mtime_ns))


def _check_installed() -> None:
    try:
        import mutagen  # noqa: F401
    except ModuleNotFoundError as error:
        raise MusicTagError('Tags in files need the package mutagen: pip install "keras-musictag[library]".') from error

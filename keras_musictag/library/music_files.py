"""Finds the music files below folders, in the order of their paths. Names may be in any bytes.

Hidden files and folders, and the folders where systems keep deleted files and thumbnails, are skipped. Links are
followed; a folder that can be reached in two ways is searched once. What cannot be searched is reported, because the
files in it are not gone: a network share may be unplugged. `Volume` notices one that is unplugged later.
"""

import os
import queue
import stat
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from keras_musictag.errors import MusicTagError

MUSIC = frozenset(
    ".wav .wave .w64 .aif .aiff .aifc .au .caf .flac .ogg .oga .opus .mp3 .mp2 .m4a .m4b .aac .ac3 .eac3 .amr .wma "
    ".ape .tta .wv .mpc .dsf .mka".split()
)
VIDEO = frozenset(".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ts .m2ts .flv .wmv .asf .ogv .ogm .3gp .vob".split())
_NOT_MUSIC = {"$recycle.bin", "@eadir", "#recycle", "lost+found", "system volume information"}


def storable_ns(mtime_ns: int) -> int:
    """A modification time as SQLite can store it: file systems have times after 2262, which is the last year there."""
    return max(-(2**63), min(mtime_ns, 2**63 - 1))


@dataclass(frozen=True)
class FoundFile:
    """A music file: its absolute path, size in bytes and modification time. A problem says why it cannot be read."""

    path: str
    size_bytes: int = 0
    mtime_ns: int = 0
    problem: str | None = None


@dataclass(frozen=True)
class ClosedFolder:
    """A folder that could not be searched, with the reason. An empty one may be the place of an unplugged drive."""

    path: str
    reason: str
    is_empty: bool = False


@dataclass(frozen=True)
class Volume:
    """A folder that was named, or in which another file system begins, and the number of its file system."""

    path: str
    device: int


def check_volumes(volumes: Iterable[Volume], seconds: float) -> None:
    """Checks that volumes are still connected.

    Args:
        volumes: The volumes.
        seconds: How long each may take to answer.

    Raises:
        MusicTagError: If one cannot be read, is empty, is on another file system now, or does not answer.
    """
    for volume in volumes:
        answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        # in a thread, because the system may wait for a network share for ever
        threading.Thread(target=lambda: answers.put(_why_gone(volume)), daemon=True).start()  # noqa: B023
        try:
            reason = answers.get(timeout=seconds)
        except queue.Empty:
            reason = f"does not answer within {seconds:g} s"
        if reason is not None:
            raise MusicTagError(
                f"The folder {volume.path!r} {reason}. Was its drive or network share disconnected? What was finished "
                "is stored; run the same command again to resume."
            )


def _why_gone(volume: Volume) -> str | None:
    try:
        with os.scandir(volume.path) as entries:
            is_empty = next(entries, None) is None
        has_moved = os.stat(volume.path).st_dev != volume.device
    except OSError as error:
        return f"can no longer be read ({error.strerror})"
    return "has lost its files during the scan" if is_empty or has_moved else None


def suffixes_of(video: bool) -> frozenset[str]:
    """The suffixes of the files to find, in lower case."""
    return MUSIC | VIDEO if video else MUSIC


def absolute_path(path: str | os.PathLike) -> str:
    """The absolute path, in the letters that the disk has: macOS and Windows find a name in any letters.

    A link stays a link. Without this, a folder that is typed in other letters would be another folder.
    """
    drive, rest = os.path.splitdrive(os.path.abspath(os.fsdecode(path)))
    found = drive.upper() + os.sep
    for name in rest.split(os.sep):
        if name:
            found = os.path.join(found, _listed_name(found, name))
    return found


def _listed_name(folder: str, name: str) -> str:
    """The name in the letters of its folder's list; the same one if the letters matter, or it does not exist."""
    if not all(os.path.lexists(os.path.join(folder, each)) for each in (name, name.swapcase())):
        return name  # without a look at the list, which may be long
    try:
        names = os.listdir(folder)
    except OSError:
        return name
    # not by `samefile`: some file systems number a file anew for each way to write its name
    same = [each for each in names if each.casefold() == name.casefold()]
    return name if name in same or not same else same[0]


def check_roots(folders: Sequence[str | os.PathLike]) -> tuple[str, ...]:
    """Returns the absolute paths of folders.

    Raises:
        FileNotFoundError: If one does not exist or is not a folder.
        MusicTagError: If one is empty or cannot be read: a drive or network share may not be connected.
        ValueError: If there are none.
    """
    roots = tuple(map(absolute_path, folders))
    if not roots:
        raise ValueError("`folders` must name at least one folder.")
    for root in roots:
        _check_root(root)
    return roots


def _check_root(root: str) -> None:
    advice = "Is its drive or network share connected? Nothing was changed in the library."
    try:
        with os.scandir(root) as entries:
            is_empty = next(entries, None) is None
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(f"There is no folder {root!r}. {advice}") from error
    except OSError as error:
        raise MusicTagError(f"The folder {root!r} cannot be read ({error.strerror}). {advice}") from error
    if is_empty:
        raise MusicTagError(f"The folder {root!r} is empty. {advice}")


def find_music(roots: Sequence[str], video: bool = False) -> Iterator[FoundFile | ClosedFolder | Volume]:
    """Searches folders.

    Args:
        roots: Absolute paths.
        video: Whether to find video files, too.

    Yields:
        Each music file once; each folder that is empty, cannot be read, or is a link to nothing; and each volume,
        before what is in it.
    """
    suffixes, seen = suffixes_of(video), set()
    for root in roots:
        yield from _search(root, suffixes, seen)


def _search(root: str, suffixes: frozenset[str], seen: set) -> Iterator[FoundFile | ClosedFolder | Volume]:
    waiting = [(root, None)]
    while waiting:  # not recursive: folders may be nested deeper than Python allows calls
        path, parent_device = waiting.pop()
        try:
            facts = os.stat(path)
            # some shared folders on Windows number nothing, and every folder would be the first one again
            identity = (facts.st_dev, facts.st_ino) if facts.st_ino else os.path.realpath(path)
            if identity in seen:
                continue
            seen.add(identity)
            with os.scandir(path) as entries:
                entries = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield ClosedFolder(path, error.strerror or str(error))
            continue
        if not entries:
            reason = "It is empty: a drive or share may not be connected. Remove the folder if its files are gone"
            yield ClosedFolder(path, reason, is_empty=True)
        elif facts.st_dev != parent_device:
            yield Volume(path, facts.st_dev)
        folders = []
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in _NOT_MUSIC:
                continue
            is_music = os.path.splitext(entry.name)[1].lower() in suffixes
            try:
                is_folder = entry.is_dir()
            except OSError as error:  # it may be either
                yield found_file(entry.path) if is_music else ClosedFolder(entry.path, error.strerror or str(error))
                continue
            if is_folder:
                folders.append((entry.path, facts.st_dev))
            elif is_music:
                yield found_file(entry.path)
            elif entry.is_symlink() and not os.path.exists(entry.path):
                yield ClosedFolder(entry.path, "It is a link to something that does not exist")
        waiting += reversed(folders)


def found_file(path: str) -> FoundFile:
    """Looks at a file."""
    try:
        facts = os.stat(path)
    except OSError as error:  # such as a link to a file that is gone, or one that points to itself
        return FoundFile(path, problem=f"The file cannot be read ({error.strerror}).")
    if not stat.S_ISREG(facts.st_mode):
        return FoundFile(path, problem="It is not a regular file, but a pipe, socket or device.")
    return FoundFile(path, facts.st_size, storable_ns(facts.st_mtime_ns))

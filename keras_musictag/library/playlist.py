"""Extended M3U playlists in UTF-8 (`.m3u8`), with paths relative to the playlist."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from keras_musictag.files import write_text
from keras_musictag.library.database import Labels


@dataclass(frozen=True)
class PlaylistEntry:
    """A file of a playlist: its absolute path, its duration in seconds, and what its own tags say."""

    path: str
    duration_seconds: float
    labels: Labels


def playlist_text(entries: Iterable[PlaylistEntry], folder: str | os.PathLike) -> str:
    """The text of a playlist that is stored in a folder.

    A playlist is UTF-8 and has one path per line. A path that this cannot hold, because it has a line break, is not
    valid UTF-8 or ends with a space, is written as a `file://` address, in which such bytes are escaped. "./" precedes
    a path that would be read as a comment, as an address, or without the spaces at its beginning.

    Example:
        >>> entry = PlaylistEntry("/music/a/#1.mp3", 61.7, Labels(artist="Somebody", title="One"))
        >>> print(playlist_text([entry], "/music/a"), end="")
        #EXTM3U
        #EXTINF:62,Somebody - One
        ./#1.mp3
    """
    lines = ["#EXTM3U"]
    for entry in entries:
        lines.append(f"#EXTINF:{round(entry.duration_seconds)},{_title(entry)}")
        lines.append(_location(entry.path, Path(folder).absolute()))
    return "\n".join(lines) + "\n"


def write_playlist(path: str | os.PathLike, entries: Iterable[PlaylistEntry]) -> None:
    """Writes a playlist, with paths relative to its folder."""
    write_text(Path(path), playlist_text(entries, Path(path).parent))


def _title(entry: PlaylistEntry) -> str:
    """Artist and title, or the name of the file, on one line."""
    title = entry.labels.title or Path(entry.path).stem
    text = f"{entry.labels.artist} - {title}" if entry.labels.artist else title
    readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in readable).split())


def _location(path: str, folder: Path) -> str:
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # another drive, on Windows
        relative = path
    if not _fits_on_a_line(relative):
        return Path(path).absolute().as_uri()
    needs_prefix = relative[0] in "# \t" or ":" in relative
    return os.path.join(".", relative) if needs_prefix and not os.path.isabs(relative) else relative


def _fits_on_a_line(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:  # bytes that are not UTF-8
        return False
    return len(path.splitlines()) == 1 and path == path.rstrip() and path.isprintable()

"""Tags in one file next to a library that must not be changed: JSON, or CSV with one row per value."""

from collections.abc import Iterable
from pathlib import Path

from keras_musictag.files import write_csv, write_json
from keras_musictag.library.file_tags import GENRE, MOOD, FileTags
from keras_musictag.library.tables import utf8_path

ENDINGS = (".json", ".csv")


def check_sidecar(path: Path) -> None:
    """Raises ValueError if the name of a file does not say which of the two formats it is."""
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"The name of the file must end in {' or '.join(ENDINGS)}. Received: {str(path)!r}.")


def write_sidecar(path: Path, wanted: Iterable[tuple[str, FileTags]]) -> int:
    """Writes what `write_tags` would write into files that have no tags.

    Args:
        path: The file to write: `.json` for an object from paths to genres, moods and scores, `.csv` for the columns
            path, field and value. A path with bytes that are not UTF-8 is its `file://` address.
        wanted: Paths, and what to write.

    Returns:
        The number of music files in it; files with nothing to write are left out.

    Raises:
        ValueError: If the name ends in something else.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "tags.csv"
        ...     count = write_sidecar(path, [("/a.mp3", FileTags(("Techno", "House")))])
        ...     print(path.read_text(), end="")
        path,field,value
        /a.mp3,genre,Techno
        /a.mp3,genre,House
    """
    check_sidecar(path)
    rows = {utf8_path(file): tags for file, tags in wanted if any(tags.fields().values())}
    if path.suffix.lower() == ".json":
        content = {file: {GENRE: tags.genres, MOOD: tags.moods, "scores": tags.scores} for file, tags in rows.items()}
        write_json(path, content)
    else:
        fields = ((file, field, value) for file, tags in rows.items() for field, value in _values(tags))
        write_csv(path, ("path", "field", "value"), fields)
    return len(rows)


def _values(tags: FileTags) -> Iterable[tuple[str, str]]:
    return ((field, value) for field, values in tags.fields().items() for value in values)

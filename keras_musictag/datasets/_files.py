"""What the preparers of published datasets share: finding their files, and refusing what is none of them."""

from pathlib import Path

from keras_musictag.errors import DatasetError


def find_file(raw: Path, name: str, folders: tuple[str, ...] = (".",)) -> Path:
    """A file of a raw dataset.

    Args:
        raw: The folder that the person has named.
        name: The file's name.
        folders: Where in `raw` it may lie; the first that holds it counts.

    Raises:
        FileNotFoundError: If `raw` is no folder.
        DatasetError: If none of the folders holds the file; the message says where it was sought.
    """
    if not raw.is_dir():
        raise FileNotFoundError(f"There is no folder {str(raw)!r}; expected the one that holds the raw dataset.")
    places = [raw / folder / name for folder in folders]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        sought = " or ".join(repr(str(place)) for place in places)
        raise DatasetError(f"There is no file {sought}. Is {str(raw)!r} the right folder, and its download complete?")
    return found


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, with LF or CRLF at their ends.

    Raises:
        DatasetError: If it is no UTF-8 text, or empty.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{str(path)!r} is not a text file in UTF-8. Download it again.") from error
    lines = text.split("\n")  # `read_text` has made CRLF to LF; a tag may hold other separators
    if lines[-1] == "":
        lines.pop()
    if not lines:
        raise DatasetError(f"{str(path)!r} is empty. Download it again.")
    return lines


def inner_path(path: str, source: Path) -> str:
    """The path of an audio file, if it leads into the audio folder.

    Raises:
        DatasetError: If it is absolute, empty or climbs out with "..".
    """
    parts = path.split("/")  # an absolute path has an empty first one
    if "" in parts or ".." in parts or "\\" in path or "\0" in path:
        raise DatasetError(
            f"{str(source)!r} names the audio file {path!r}; expected a path within the audio folder, "
            "such as 'a/b.mp3'. Download the list again."
        )
    return path


def audio_folder(raw: Path, audio: Path | None, names: tuple[str, ...], otherwise: str) -> Path:
    """Where the audio lies: what the person says, else the first of `names` in `raw`, else `otherwise` in it."""
    if audio is not None:
        return Path(audio)
    return next((raw / name for name in names if (raw / name).is_dir()), raw / otherwise)

"""What the preparers of published datasets share: finding their files, and refusing what is none of them.

`tfrecords/<dataset>/spec.json`: what is known about a published dataset before its files are there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from keras_musictag.bundled_files import bundled
from keras_musictag.errors import DatasetError, UnknownNameError
from keras_musictag.tags.vocabulary import Vocabulary, read_tags


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


VERSION = 1


@dataclass(frozen=True)
class Spec:
    """The content of a `spec.json`.

    Attributes:
        version: Of this layout, 1.
        dataset: Its id, such as "mtat"; also the name of the folder.
        name: What its authors call it.
        dataset_version: Which publication of it is read.
        homepage: Where its authors say how to get it.
        licence: Of audio and annotations, in a sentence.
        citation: BibTeX of the paper to cite.
        download: What is downloaded, how large it is, and where that figure comes from.
        splits: Split -> part -> number of tracks as published.
        known_bad: "reason", a sentence; "ids", the files that are left out; what else is known about them.
    """

    version: int
    dataset: str
    name: str
    dataset_version: str
    homepage: str
    licence: str
    citation: str
    download: str
    splits: Mapping[str, Mapping[str, int]]
    known_bad: Mapping[str, Any]

    @property
    def vocabulary(self) -> Vocabulary:
        """The tags of `tags.txt`, which lies beside the spec."""
        return read_tags(bundled("tfrecords") / self.dataset / "tags.txt")

    def manifest_fields(self) -> dict[str, str]:
        """What a manifest repeats of it."""
        return {name: getattr(self, name) for name in ("dataset", "dataset_version", "licence", "citation")}


def read_spec(dataset: str) -> Spec:
    """The spec of a dataset of the folder `tfrecords/`.

    Raises:
        DatasetError: If a key is missing or unknown, or the layout is of another version.

    Example:
        >>> read_spec("mtat").splits["cleaned"]["test"]
        4332
    """
    path = bundled("tfrecords") / dataset / "spec.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    expected = {field.name for field in fields(Spec)}
    if set(content) != expected or content["version"] != VERSION:
        raise DatasetError(
            f"{path.name} of {dataset} must have the keys {', '.join(sorted(expected))} and version {VERSION}. "
            f"Received: {', '.join(sorted(content))}, version {content.get('version')}."
        )
    return Spec(**content)


def check_choice(kind: str, value: object, known: tuple[str, ...]) -> str:
    """The value as a string, if it is one of the known ones.

    Raises:
        UnknownNameError: If it is not; the message lists them.
    """
    if str(value) not in known:
        raise UnknownNameError.of(kind, str(value), known)
    return str(value)

"""What the modules of published datasets share: finding and reading their files, and their specs.

A spec, `tfrecords/<dataset>/spec.json`, states what is known about a dataset without its files.
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
        raw: The folder that the user passed.
        name: The file's name.
        folders: Folders in `raw` that may hold it; the first that does is used.

    Raises:
        FileNotFoundError: If `raw` is not a folder.
        DatasetError: If none of the folders holds the file; the message lists where it was expected.
    """
    if not raw.is_dir():
        raise FileNotFoundError(f"There is no folder {str(raw)!r}; expected the one that holds the raw dataset.")
    places = [raw / folder / name for folder in folders]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        expected = " or ".join(repr(str(place)) for place in places)
        raise DatasetError(
            f"There is no file {expected}. Is {str(raw)!r} the right folder, and is its download complete?"
        )
    return found


def read_lines(path: Path) -> list[str]:
    """The lines of a text file whose lines end in LF or CRLF.

    Raises:
        DatasetError: If it is not UTF-8 text, or empty.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{str(path)!r} is not a text file in UTF-8. Download it again.") from error
    lines = text.split("\n")  # `read_text` has turned CRLF into LF; a tag may hold other separators
    if lines[-1] == "":
        lines.pop()
    if not lines:
        raise DatasetError(f"{str(path)!r} is empty. Download it again.")
    return lines


def inner_path(path: str, source: Path) -> str:
    """Checks that the path of an audio file stays within the audio folder, and returns it.

    Raises:
        DatasetError: If it is absolute, empty or leaves the folder with "..".
    """
    parts = path.split("/")  # the first part of an absolute path is empty
    if "" in parts or ".." in parts or "\\" in path or "\0" in path:
        raise DatasetError(
            f"{str(source)!r} lists the audio file {path!r}; expected a path within the audio folder, "
            "such as 'a/b.mp3'. Download the list again."
        )
    return path


def audio_folder(raw: Path, audio: Path | None, names: tuple[str, ...], otherwise: str) -> Path:
    """The folder of the audio: the one the user passed, else the first of `names` in `raw`, else `otherwise` in it."""
    if audio is not None:
        return Path(audio)
    return next((raw / name for name in names if (raw / name).is_dir()), raw / otherwise)


VERSION = 1


@dataclass(frozen=True)
class Spec:
    """The content of a `spec.json`.

    Attributes:
        version: Version of this layout, 1.
        dataset: Its id, such as "mtat"; also the name of the folder.
        name: What its authors call it.
        dataset_version: The release that is read.
        homepage: The authors' page about how to get it.
        licence: Licence of audio and annotations, in one sentence.
        citation: BibTeX of the paper to cite.
        download: What to download, how large it is, and where that figure comes from.
        splits: Split -> part -> published number of tracks.
        known_bad: "reason", a sentence; "ids", the files that are left out; anything else known about them.
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
        """The tags of `tags.txt`, which is next to the spec."""
        return read_tags(bundled("tfrecords") / self.dataset / "tags.txt")

    def manifest_fields(self) -> dict[str, str]:
        """The fields that a manifest shares with it."""
        return {name: getattr(self, name) for name in ("dataset", "dataset_version", "licence", "citation")}


def read_spec(dataset: str) -> Spec:
    """Reads the spec of a dataset in the folder `tfrecords/`.

    Raises:
        DatasetError: If a key is missing or unknown, or the layout has another version.

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
    """Checks that a value is one of the known ones, and returns it as a string.

    Raises:
        UnknownNameError: If it is not; the message lists them.
    """
    if str(value) not in known:
        raise UnknownNameError.of(kind, str(value), known)
    return str(value)

"""`tfrecords/<dataset>/spec.json`: what is known about a published dataset before its files are there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from keras_musictag.data import bundled
from keras_musictag.errors import DatasetError, UnknownNameError
from keras_musictag.tags.read_tags import read_tags
from keras_musictag.tags.vocabulary import Vocabulary

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

"""`card.json`: what a zoo entry is. A released card is never edited except to add metrics; new weights are `-vN`."""

import dataclasses
import json
import re
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

from keras_musictag.errors import UnknownNameError
from keras_musictag.files import write_json

FILE_NAME = "card.json"
MODEL_KEYS = {"architecture", "frontend", "chunking", "tags", "classifier_activation"}  # of `TaggerSpec.to_dict()`
NAME = re.compile(r"[a-z0-9_]+-[a-z0-9_-]+-v\d+")


@dataclass(frozen=True)
class Weights:
    """Where the weights are and how to know them.

    Attributes:
        file: Name of the safetensors file beside the card, or None: then they are fetched from `url`.
        url: Address of a checkpoint that is fetched and converted when it is first loaded, or None.
        bytes: Size of the file; None for an address.
        sha256: Hash of the file, which every load checks; None for an address.
        git_blob_sha1: What `git hash-object` says of the checkpoint at the address; None for a file.
        parameters: Numbers in the network, moving statistics included.
    """

    file: str | None
    url: str | None
    bytes: int | None
    sha256: str | None
    git_blob_sha1: str | None
    parameters: int

    def __post_init__(self):
        if self.file is not None and (not isinstance(self.file, str) or "/" in self.file or "\\" in self.file):
            raise ValueError(f"`file` must be the bare name of a file beside the card. Received: {self.file!r}.")
        _check_types(self)
        if self.git_blob_sha1 is not None and not re.fullmatch("[0-9a-f]{40}", str(self.git_blob_sha1)):
            raise ValueError(f"`git_blob_sha1` must be 40 hexadecimal digits. Received: {self.git_blob_sha1!r}.")
        file_is_known = None not in (self.file, self.bytes, self.sha256)
        url_is_known = None not in (self.url, self.git_blob_sha1)
        if file_is_known == url_is_known:
            raise ValueError(
                "Weights must have either `file`, `bytes` and `sha256`, or `url` and `git_blob_sha1`. Received: "
                f"{dataclasses.asdict(self)}."
            )


@dataclass(frozen=True)
class TrainedOn:
    """What the weights were trained on. `split_sha256` is None where the training list was not published."""

    dataset: str
    version: str
    split: str
    split_sha256: str | None

    def __post_init__(self):
        _check_types(self)


@dataclass(frozen=True)
class Metric:
    """One measured number. `interval` is the 95 % interval, or None where it was not computed."""

    dataset: str
    split: str
    metric: str
    value: float
    interval: tuple[float, float] | None
    tracks: int

    def __post_init__(self):
        _check_types(self)


@dataclass(frozen=True)
class Reference:
    """The paper behind the weights and the scores that their authors reported, metric -> value."""

    paper: str
    url: str
    reported: dict[str, float]

    def __post_init__(self):
        _check_types(self)


@dataclass(frozen=True)
class Licences:
    """Of the code the weights came with, of the weights, and of what they were trained on."""

    code: str
    weights: str
    training_data: str

    def __post_init__(self):
        _check_types(self)


@dataclass(frozen=True)
class Card:
    """A zoo entry. `model` is `TaggerSpec.to_dict()`; a missing or unknown key anywhere is an error.

    Its name is `<architecture>-<dataset>-v<N>`. `reference` is None for weights that are no paper's.
    """

    name: str
    summary: str
    model: dict[str, Any]
    weights: Weights
    trained_on: TrainedOn
    reference: Reference | None
    licences: Licences
    versions: dict[str, str]
    recipe: str | None
    metrics: tuple[Metric, ...] = field(default=())
    thresholds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self):
        if not NAME.fullmatch(str(self.name)):
            raise ValueError(f"A zoo entry's name must look like 'musicnn-mtat-v1'. Received: {self.name!r}.")
        if not isinstance(self.model, dict) or self.model.keys() != MODEL_KEYS:
            raise ValueError(f"`model` must have the keys {', '.join(sorted(MODEL_KEYS))}. Received: {self.model!r}.")
        architecture = self.model["architecture"]
        if not (isinstance(architecture, dict) and isinstance(architecture.get("name"), str)):
            raise ValueError(f"`architecture` must be an object with a `name`. Received: {architecture!r}.")
        if not isinstance(self.model["tags"], list):
            raise ValueError(f"`tags` must be a list. Received: {self.model['tags']!r}.")
        _check_types(self)

    @property
    def architecture(self) -> str:
        return self.model["architecture"]["name"]

    @property
    def version(self) -> int:
        return int(self.name.rpartition("-v")[2])


PARTS = {"weights": Weights, "trained_on": TrainedOn, "reference": Reference, "licences": Licences}


def read_card(folder: Path) -> Card:
    """Reads and checks the card of an entry.

    Raises:
        FileNotFoundError: If the folder has no card.
        ValueError: If it is no JSON or lacks a key; UnknownNameError if it has one too many.
    """
    path = folder / FILE_NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{folder} is no zoo entry: it has no {FILE_NAME}.") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None
    try:
        return _parse(data)
    except (ValueError, UnknownNameError) as error:
        raise type(error)(f"{path}: {error}") from None


def write_card(card: Card, folder: Path) -> None:
    """Writes `card.json` into a folder."""
    write_json(folder / FILE_NAME, dataclasses.asdict(card), ensure_ascii=False)


def _parse(data) -> Card:
    values = dict(_checked(Card, data))
    for name, cls in PARTS.items():
        if name != "reference" or values[name] is not None:
            values[name] = cls(**_checked(cls, values[name]))
    if not isinstance(values["metrics"], list):
        raise ValueError(f"`metrics` must be a list. Received: {values['metrics']!r}.")
    values["metrics"] = tuple(_metric(row) for row in values["metrics"])
    return Card(**values)


def _metric(row) -> Metric:
    values = _checked(Metric, row)
    interval = values["interval"]
    if interval is not None and not (isinstance(interval, list) and len(interval) == 2):
        raise ValueError(f"`interval` must be two numbers or null. Received: {interval!r}.")
    return Metric(**{**values, "interval": None if interval is None else tuple(interval)})


def _checked(cls, data) -> dict[str, Any]:
    """The same object, if it has exactly the fields of a class as its keys."""
    known = [f.name for f in dataclasses.fields(cls)]
    if not isinstance(data, dict):
        raise ValueError(f"{cls.__name__} must be an object with the keys {', '.join(known)}. Received: {data!r}.")
    for key in data:
        if key not in known:
            raise UnknownNameError.of(f"key of {cls.__name__}", key, known)
    missing = [key for key in known if key not in data]
    if missing:
        raise ValueError(f"{cls.__name__} lacks the keys: {', '.join(missing)}.")
    return data


_KINDS = {str: (str, "a text"), int: (Integral, "a whole number"), float: (Real, "a number")}


def _check_types(part: Any) -> None:
    """Raises ValueError where a card has a text for a number or the like; its parts have checked themselves."""
    for field_ in dataclasses.fields(part):
        _check_type(field_.name, getattr(part, field_.name), field_.type)


def _check_type(name: str, value: Any, kind: Any) -> None:
    if isinstance(kind, UnionType):  # or null
        if value is not None:
            _check_type(name, value, get_args(kind)[0])
    elif kind in _KINDS:
        wanted, called = _KINDS[kind]
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ValueError(f"`{name}` must be {called}. Received: {value!r}.")
    elif get_origin(kind) is dict:
        if not isinstance(value, dict):
            raise ValueError(f"`{name}` must be an object. Received: {value!r}.")
        for key, item in value.items():
            _check_type(f"{name}.{key}", item, get_args(kind)[1])
    elif get_args(kind) == (float, float):
        for item in value:
            _check_type(name, item, float)

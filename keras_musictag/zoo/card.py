"""`card.json`: what a zoo entry is.

A released card is only ever edited to add metrics, thresholds or calibration; new weights get a new entry, `-v<N+1>`.
"""

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

CARD_FILE = "card.json"
MODEL_KEYS = {"architecture", "frontend", "chunking", "tags", "classifier_activation"}  # of `TaggerSpec.to_dict()`
NAME = re.compile(r"[a-z0-9_]+-[a-z0-9_-]+-v\d+")


@dataclass(frozen=True)
class Weights:
    """Where the weights are and how to recognise them.

    Attributes:
        file: Name of the safetensors file next to the card; None if the weights are fetched from `url`.
        url: Address of a checkpoint, which is fetched and converted on first use; None for a file.
        bytes: Size of the file; None for an address.
        sha256: Hash of the file, which every load checks; None for an address.
        git_blob_sha1: What `git hash-object` prints for the checkpoint at the address; None for a file.
        parameters: How many numbers the network has, including moving statistics.
    """

    file: str | None
    url: str | None
    bytes: int | None
    sha256: str | None
    git_blob_sha1: str | None
    parameters: int

    def __post_init__(self):
        if self.file is not None and (not isinstance(self.file, str) or "/" in self.file or "\\" in self.file):
            raise ValueError(f"`file` must be the bare name of a file next to the card. Received: {self.file!r}.")
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
    """What the weights were trained on. `split_sha256` is None if the training list was not published."""

    dataset: str
    version: str
    split: str
    split_sha256: str | None

    def __post_init__(self):
        _check_types(self)


@dataclass(frozen=True)
class Metric:
    """One measured number. `interval` is its 95 % interval; None if that was not computed."""

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
    """The paper that published the weights, and the scores that its authors reported: metric -> value."""

    paper: str
    url: str
    reported: dict[str, float]

    def __post_init__(self):
        _check_types(self)


@dataclass(frozen=True)
class Licences:
    """Licences of the code that came with the weights, of the weights, and of their training data."""

    code: str
    weights: str
    training_data: str

    def __post_init__(self):
        _check_types(self)


@dataclass(frozen=True)
class Card:
    """A zoo entry. `model` is `TaggerSpec.to_dict()`; a missing or unknown key anywhere is an error.

    Its name is `<architecture>-<dataset>-v<N>`. `reference` is None for weights that come from no paper.
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
        ValueError: If the card is not valid JSON, a key is missing or a value is invalid.
        UnknownNameError: If it has an unknown key.

    Example:
        >>> from keras_musictag.bundled_files import bundled
        >>> read_card(bundled("zoo") / "vgg-mtat-v1").trained_on.dataset
        'mtat'
    """
    path = folder / CARD_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{folder} is not a zoo entry: it has no {CARD_FILE}.") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None
    try:
        return _parse(data)
    except (ValueError, UnknownNameError) as error:
        raise type(error)(f"{path}: {error}") from None


def write_card(card: Card, folder: Path) -> None:
    """Writes `card.json` into a folder."""
    write_json(folder / CARD_FILE, dataclasses.asdict(card), ensure_ascii=False)


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
    """Returns the object if its keys are exactly the fields of the class."""
    known = [f.name for f in dataclasses.fields(cls)]
    if not isinstance(data, dict):
        raise ValueError(f"{cls.__name__} must be an object with the keys {', '.join(known)}. Received: {data!r}.")
    for key in data:
        if key not in known:
            raise UnknownNameError.of(f"key of {cls.__name__}", key, known)
    missing = [key for key in known if key not in data]
    if missing:
        raise ValueError(f"{cls.__name__} is missing the keys: {', '.join(missing)}.")
    return data


_TYPES = {str: (str, "a string"), int: (Integral, "a whole number"), float: (Real, "a number")}


def _check_types(part: Any) -> None:
    """Raises ValueError if a field has a value of the wrong type. Nested dataclasses have checked their own fields."""
    for field_ in dataclasses.fields(part):
        _check_type(field_.name, getattr(part, field_.name), field_.type)


def _check_type(name: str, value: Any, expected: Any) -> None:
    if isinstance(expected, UnionType):  # or null
        if value is not None:
            _check_type(name, value, get_args(expected)[0])
    elif expected in _TYPES:
        accepted, description = _TYPES[expected]
        if not isinstance(value, accepted) or isinstance(value, bool):
            raise ValueError(f"`{name}` must be {description}. Received: {value!r}.")
    elif get_origin(expected) is dict:
        if not isinstance(value, dict):
            raise ValueError(f"`{name}` must be an object. Received: {value!r}.")
        for key, item in value.items():
            _check_type(f"{name}.{key}", item, get_args(expected)[1])
    elif get_args(expected) == (float, float):
        for item in value:
            _check_type(name, item, float)

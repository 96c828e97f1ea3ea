"""`card.json`: what a zoo entry is. A released card is never edited except to add metrics; new weights are `-vN`."""

import dataclasses
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_musictag.errors import UnknownNameError

FILE_NAME = "card.json"
NAME = re.compile(r"[a-z0-9_]+-[a-z0-9_-]+-v\d+")


@dataclass(frozen=True)
class Weights:
    """Where the weights are and how to know them.

    Attributes:
        file: Name of the safetensors file, beside the card.
        bytes: Its size.
        sha256: Its hash; every load checks it.
        parameters: Numbers in the network, moving statistics included.
    """

    file: str
    bytes: int
    sha256: str
    parameters: int


@dataclass(frozen=True)
class TrainedOn:
    """What the weights were trained on. `split_sha256` is None where the training list was not published."""

    dataset: str
    version: str
    split: str
    split_sha256: str | None


@dataclass(frozen=True)
class Metric:
    """One measured number. `interval` is the 95 % interval, or None where it was not computed."""

    dataset: str
    split: str
    metric: str
    value: float
    interval: tuple[float, float] | None
    tracks: int


@dataclass(frozen=True)
class Reference:
    """The paper behind the weights and the scores that their authors reported, metric -> value."""

    paper: str
    url: str
    reported: dict[str, float]


@dataclass(frozen=True)
class Licences:
    """Of the code the weights came with, of the weights, and of what they were trained on."""

    code: str
    weights: str
    training_data: str


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
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None
    values = dict(_checked(Card, data, path))
    if not NAME.fullmatch(str(values["name"])):
        raise ValueError(f"{path}: a name must look like 'musicnn-mtat-v1'. Received: {values['name']!r}.")
    for name, cls in PARTS.items():
        if name != "reference" or values[name] is not None:
            values[name] = cls(**_checked(cls, values[name], path))
    values["metrics"] = tuple(_metric(row, path) for row in values["metrics"])
    return Card(**values)


def write_card(card: Card, folder: Path) -> None:
    """Writes `card.json` into a folder."""
    text = json.dumps(dataclasses.asdict(card), indent=1, ensure_ascii=False)
    (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def _metric(row, path):
    values = _checked(Metric, row, path)
    return Metric(**{**values, "interval": tuple(values["interval"]) if values["interval"] else None})


def _checked(cls, data, path):
    known = [f.name for f in dataclasses.fields(cls)]
    if not isinstance(data, dict):
        raise ValueError(f"{path}: {cls.__name__} must be an object with the keys {', '.join(known)}. Got {data!r}.")
    for key in data:
        if key not in known:
            raise UnknownNameError.of(f"key of {cls.__name__} ({path})", key, known)
    missing = [key for key in known if key not in data]
    if missing:
        raise ValueError(f"{path}: {cls.__name__} lacks the keys: {', '.join(missing)}.")
    return data

"""A recipe: how a network is trained. A JSON file, so that another person can read, keep and change it."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_musictag.errors import UnknownNameError

FOLDER = Path(__file__).parent / "recipes"
OPTIMIZERS = ("adam", "sgd")
LAYERS = ("all", "head")


@dataclass(frozen=True)
class Phase:
    """A stretch of training with one optimiser at one learning rate.

    A phase whose optimiser is that of the phase before goes on with its moments. Every phase but the first starts
    from the best weights so far.

    Attributes:
        optimizer: "adam", or "sgd" with Nesterov momentum.
        learning_rate: Step size.
        epochs: At most so many.
        momentum: Of "sgd".
        layers: What is trained: "all", or "head" with the body frozen.
    """

    optimizer: str
    learning_rate: float
    epochs: int
    momentum: float = 0.9
    layers: str = "all"

    def __post_init__(self):
        if self.optimizer not in OPTIMIZERS:
            raise UnknownNameError.of("optimizer", self.optimizer, OPTIMIZERS)
        if self.layers not in LAYERS:
            raise UnknownNameError.of("choice of `layers`", self.layers, LAYERS)
        if not (self.learning_rate > 0 and self.epochs >= 1 and 0 <= self.momentum < 1):
            raise ValueError(
                "A phase needs `learning_rate` above 0, `epochs` of 1 or more and `momentum` from 0 to below 1. "
                f"Received: {self}."
            )


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        summary: What it is for, with its source.
        phases: One after the other.
        batch_size: Examples a step, over all devices.
        accumulation: Steps whose gradients are averaged before the weights move.
        l2: Added to the gradient of every weight as `l2 * weight`: PyTorch's `weight_decay`, not AdamW's.
        chunks_per_track: Random crops of a track in an epoch.
        validation_chunks: Chunks of a track that validation hears, evenly spread.
        patience: A phase ends after so many epochs without a better validation loss; 0 never ends one early.
        mixup_alpha: Of the Beta distribution that mixes pairs of examples; 0 mixes none.
        seed: Of weights, crops, order and dropout.
    """

    summary: str
    phases: tuple[Phase, ...]
    batch_size: int = 16
    accumulation: int = 1
    l2: float = 0.0
    chunks_per_track: int = 1
    validation_chunks: int = 16
    patience: int = 0
    mixup_alpha: float = 0.0
    seed: int = 0

    def __post_init__(self):
        if not self.phases:
            raise ValueError("A recipe needs at least one phase.")
        least = {
            "batch_size": 1,
            "accumulation": 1,
            "l2": 0,
            "chunks_per_track": 1,
            "validation_chunks": 1,
            "patience": 0,
            "mixup_alpha": 0,
        }
        for name, low in least.items():
            if not getattr(self, name) >= low:
                raise ValueError(f"`{name}` of a recipe must be {low} or more. Received: {getattr(self, name)!r}.")

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Recipe":
        """Reads what `to_dict` gave; settings that are left out keep their defaults, unknown ones are an error."""
        phases = tuple(Phase(**_known(Phase, phase)) for phase in data.get("phases", ()))
        return cls(**{**_known(cls, data), "phases": phases})


def names() -> list[str]:
    """The recipes that come with the package: the folder is the registry."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read_recipe(name: str | Path) -> Recipe:
    """Reads a recipe.

    Args:
        name: One of `names()`, or the path of a JSON file.

    Raises:
        UnknownNameError: If it is neither, or the file has an unknown setting.
        ValueError: If the file is no JSON object, or a setting is out of range.

    Example:
        >>> [phase.optimizer for phase in read_recipe("won2020").phases]
        ['adam', 'sgd', 'sgd', 'sgd']
    """
    path = Path(name) if str(name).endswith(".json") else FOLDER / f"{name}.json"
    if not path.is_file():
        raise UnknownNameError.of("recipe", str(name), [*names(), "or the path of a .json file"])
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path} must hold a JSON object with `summary` and `phases`. Received: {data!r}.")
    return Recipe.from_dict(data)


def with_changes(recipe: Recipe, epochs: int | None = None, **settings) -> Recipe:
    """A recipe with some settings changed; those that are None stay.

    Args:
        recipe: The recipe.
        epochs: At most so many in each phase.
        **settings: Of `Recipe`.

    Example:
        >>> changed = with_changes(read_recipe("won2020"), epochs=30, seed=1)
        >>> [phase.epochs for phase in changed.phases], changed.seed, changed.batch_size
        ([30, 20, 20, 30], 1, 16)
    """
    given = {name: value for name, value in settings.items() if value is not None}
    if epochs is not None:
        phases = (dataclasses.replace(phase, epochs=min(phase.epochs, epochs)) for phase in recipe.phases)
        given["phases"] = tuple(phases)
    return dataclasses.replace(recipe, **given)


def _known(cls, data: dict[str, Any]) -> dict[str, Any]:
    known = [field.name for field in dataclasses.fields(cls)]
    for key in data:
        if key not in known:
            raise UnknownNameError.of(f"setting of a {cls.__name__.lower()}", key, known)
    return data

"""A recipe: how a network is trained. A JSON file, so that another person can read, keep and change it."""

import dataclasses
import json
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from keras_musictag.errors import UnknownNameError

FOLDER = Path(__file__).parent / "recipes"
OPTIMIZERS = ("adam", "sgd")
LAYERS = ("all", "head")
MEASURES = ("loss", "roc_auc", "pr_auc")
# settings of layers.spec_augment.SpecAugment, which loads Keras
MASKS = ("num_time_masks", "max_time_frames", "num_mel_masks", "max_mel_bands", "mask_value")


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
        _check_numbers(self)
        if self.optimizer not in OPTIMIZERS:
            raise UnknownNameError.of("optimizer", self.optimizer, OPTIMIZERS)
        if self.layers not in LAYERS:
            raise UnknownNameError.of("choice of `layers`", self.layers, LAYERS)
        if not (self.learning_rate > 0 and self.epochs >= 1 and 0 <= self.momentum < 1):
            raise ValueError(
                "A phase needs a `learning_rate` above 0, `epochs` of 1 or more and a `momentum` from 0 to below 1. "
                f"Received: {self}."
            )


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. `docs/training.md` has an example file.

    Attributes:
        summary: What it is for, with its source.
        phases: One after the other.
        batch_size: Examples a step, over all devices.
        accumulation: Steps whose gradients are averaged before the weights move.
        l2: Added to the gradient of every weight as `l2 * weight`: PyTorch's `weight_decay`, not AdamW's.
        chunks_per_track: Random crops of a track in an epoch.
        validation_chunks: Chunks of a track that validation hears, evenly spread.
        best_by: Which measure of the validation part chooses the best weights: "loss" of chunks, or macro "roc_auc" or
            "pr_auc" of tracks. A network that overfits a few hundred tracks ranks better long after its loss has risen.
        patience: A phase ends after so many epochs without better weights; 0 never ends one early.
        mixup_alpha: Of the Beta distribution that mixes pairs of examples; 0 mixes none.
        spec_augment: Settings of `layers.spec_augment.SpecAugment`, which masks features: {} for its own defaults,
            None for no masks. For networks with a spectral front end.
        deform_probability: Share of the tracks that are deformed in an epoch (`records.deformation.Deform`).
        seed: Of weights, crops, order and dropout.
    """

    summary: str
    phases: tuple[Phase, ...]
    batch_size: int = 16
    accumulation: int = 1
    l2: float = 0.0
    chunks_per_track: int = 1
    validation_chunks: int = 16
    best_by: str = "loss"
    patience: int = 0
    mixup_alpha: float = 0.0
    spec_augment: dict[str, float] | None = None
    deform_probability: float = 0.0
    seed: int = 0

    def __post_init__(self):
        _check_numbers(self)
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
            "seed": 0,
        }
        for name, low in least.items():
            if not getattr(self, name) >= low:
                raise ValueError(f"`{name}` of a recipe must be {low} or more. Received: {getattr(self, name)!r}.")
        if self.best_by not in MEASURES:
            raise UnknownNameError.of("measure for `best_by`", self.best_by, MEASURES)
        if not 0 <= self.deform_probability <= 1:
            raise ValueError(
                f"`deform_probability` of a recipe must be from 0 to 1. Received: {self.deform_probability!r}."
            )
        if not isinstance(self.spec_augment, dict | None):
            raise ValueError(
                f"`spec_augment` of a recipe must be settings by name, or null. Received: {self.spec_augment!r}."
            )
        for name in self.spec_augment or ():
            if name not in MASKS:
                raise UnknownNameError.of("setting of `spec_augment`", name, MASKS)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Recipe":
        """Reads what `to_dict` gave; settings that are left out keep their defaults.

        Raises:
            UnknownNameError: If a setting is not known.
            ValueError: If one is missing, or out of range.

        Example:
            >>> phase = {"optimizer": "sgd", "learning_rate": 0.1, "epochs": 3}
            >>> recipe = Recipe.from_dict({"summary": "an example", "phases": [phase]})
            >>> recipe.phases[0]
            Phase(optimizer='sgd', learning_rate=0.1, epochs=3, momentum=0.9, layers='all')
            >>> Recipe.from_dict(recipe.to_dict()) == recipe
            True
        """
        phases = data.get("phases")
        if not isinstance(phases, list) or not all(isinstance(phase, dict) for phase in phases):
            raise ValueError(f"`phases` of a recipe must be a list of objects. Received: {phases!r}.")
        return _made(cls, {**data, "phases": tuple(_made(Phase, phase) for phase in phases)})


def names() -> list[str]:
    """The recipes that come with the package: the folder is the registry.

    Example:
        >>> names()
        ['finetune', 'short', 'won2020']
    """
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read_recipe(name: str | Path) -> Recipe:
    """Reads a recipe.

    Args:
        name: One of `names()`, or the path of a JSON file.

    Raises:
        UnknownNameError: If it is neither, or the file has an unknown setting.
        ValueError: If the file is no JSON object, or a setting is missing or out of range.

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


def _made(cls, data: dict[str, Any]) -> Any:
    """A `Phase` or `Recipe` of plain data."""
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for name in data:
        if name not in fields:
            raise UnknownNameError.of(f"setting of a {cls.__name__.lower()}", name, fields)
    missing = [name for name, f in fields.items() if f.default is dataclasses.MISSING and name not in data]
    if missing:
        raise ValueError(f"A {cls.__name__.lower()} lacks the settings: {', '.join(missing)}. Received: {data!r}.")
    return cls(**data)


def _check_numbers(settings: Any) -> None:
    """Raises ValueError where a JSON file has a text, or a broken number, for a number."""
    kinds = {int: (Integral, "a whole number"), float: (Real, "a number"), str: (str, "a text")}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        kind, called = kinds.get(field.type, (object, ""))
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not object):
            what = type(settings).__name__.lower()
            raise ValueError(f"`{field.name}` of a {what} must be {called}. Received: {value!r}.")

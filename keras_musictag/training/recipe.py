"""A recipe states how a network is trained. It is a JSON file that people can read, keep and change."""

import dataclasses
import json
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from keras_musictag.errors import UnknownNameError
from keras_musictag.records.deformation import Alteration

RECIPES_FOLDER = Path(__file__).parent / "recipes"
OPTIMIZERS = ("adam", "sgd")
LAYERS = ("all", "head")
SCHEDULES = ("constant", "cosine")
MEASURES = ("loss", "roc_auc", "pr_auc")
# settings of layers.spec_augment.SpecAugment, listed here because importing it loads Keras
MASKS = ("num_time_masks", "max_time_frames", "num_mel_masks", "max_mel_bands", "mask_value")


@dataclass(frozen=True)
class Phase:
    """A phase of training with one optimiser and one learning rate, or one schedule of learning rates.

    A phase with the same optimiser as the previous phase keeps its moments, unless one of the two has a schedule.
    Every phase except the first starts from the best weights so far.

    Attributes:
        optimizer: "adam", or "sgd" with Nesterov momentum.
        learning_rate: Step size; with a schedule, the highest one.
        epochs: Maximum number of epochs; 0 for no limit except `steps`.
        momentum: Momentum of "sgd".
        layers: The layers to train: "all", or "head" with the body frozen.
        steps: Maximum number of steps, rounded up to whole epochs; 0 for no limit except `epochs`.
        schedule: "constant", or "cosine", which falls to 0 along half a cosine over the phase.
        warmup_steps: Steps at the start of a cosine schedule during which the learning rate rises from 0.

    Example:
        >>> Phase("adam", learning_rate=1e-3, epochs=20).layers
        'all'
    """

    optimizer: str
    learning_rate: float
    epochs: int = 0
    momentum: float = 0.9
    layers: str = "all"
    steps: int = 0
    schedule: str = "constant"
    warmup_steps: int = 0

    def __post_init__(self):
        _check_numbers(self)
        if self.optimizer not in OPTIMIZERS:
            raise UnknownNameError.of("optimizer", self.optimizer, OPTIMIZERS)
        if self.layers not in LAYERS:
            raise UnknownNameError.of("choice of `layers`", self.layers, LAYERS)
        if self.schedule not in SCHEDULES:
            raise UnknownNameError.of("schedule", self.schedule, SCHEDULES)
        bounded = self.epochs >= 0 and self.steps >= 0 and self.epochs + self.steps > 0
        if not (self.learning_rate > 0 and bounded and 0 <= self.momentum < 1):
            raise ValueError(
                "A phase needs a `learning_rate` above 0, `epochs` or `steps` of 1 or more and a `momentum` from 0 to "
                f"below 1. Received: {self}."
            )
        if self.warmup_steps < 0 or (self.warmup_steps and self.schedule == "constant"):
            raise ValueError(
                f'`warmup_steps` must be 0 or more, and 0 unless the schedule is "cosine". Received: {self}.'
            )

    def epochs_of(self, steps_per_epoch: int) -> int:
        """Returns the maximum number of epochs of the phase.

        Example:
            >>> Phase("adam", 1e-3, steps=250).epochs_of(100)
            3
        """
        limits = [self.epochs] if self.epochs else []
        limits += [-(-self.steps // steps_per_epoch)] if self.steps else []
        return min(limits)


@dataclass(frozen=True)
class Teaching:
    """How teachers train a student (`train --teacher`).

    Attributes:
        logits: Weight of the Huber loss on the mean of the teachers' logits, divided by each tag's standard deviation.
        embeddings: Weight of the squared error of the teachers' standardised embeddings, which a linear layer predicts
            from the student's. The layer is discarded after training.
        labels: Weight of the binary cross-entropy with the teachers' scores as labels.
        statistics_steps: Number of steps at the start that measure the standard deviations.
        average: Decay of the moving average of the weights, which is validated and saved.
        alterations: How crops are altered: `records.deformation.Alteration`.
    """

    logits: float = 1.0
    embeddings: float = 0.5
    labels: float = 1.0
    statistics_steps: int = 200
    average: float = 0.999
    alterations: Alteration = dataclasses.field(default_factory=Alteration)

    def __post_init__(self):
        _check_numbers(self)
        if min(self.logits, self.embeddings, self.labels) < 0 or self.logits + self.embeddings + self.labels == 0:
            raise ValueError(
                f"The loss weights of `teaching` must be 0 or more, at least one of them above 0. Received: {self}."
            )
        if self.statistics_steps < 1 or not 0 <= self.average < 1:
            raise ValueError(
                "`teaching` needs `statistics_steps` of 1 or more and an `average` from 0 to below 1. "
                f"Received: {self}."
            )


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. `docs/training.md` has an example file.

    Attributes:
        summary: What the recipe is for, with its source.
        phases: The phases, in order.
        batch_size: Examples per step, over all devices.
        accumulation: Number of steps whose gradients are averaged for one update of the weights.
        l2: `l2 * weight` is added to the gradient of every weight, like PyTorch's `weight_decay`, unlike AdamW's.
        chunks_per_track: Random crops per track and epoch.
        validation_chunks: Evenly spread chunks per track for validation.
        best_by: The measure on the validation part that decides the best weights: "loss" over chunks, or macro
            "roc_auc" or "pr_auc" over tracks. A network that overfits a few hundred tracks keeps ranking better long
            after its loss has risen.
        patience: Number of epochs without better weights that ends a phase; 0 for no early end.
        mixup_alpha: Parameter of the Beta distribution that mixes pairs of examples; 0 for no mixing.
        spec_augment: Settings of `layers.spec_augment.SpecAugment`, which masks features: {} for its defaults, None for
            no masks. Needs a network with a spectral front end.
        deform_probability: Share of the tracks that are deformed in each epoch (`records.deformation.Deform`).
        seed: Random seed for weights, crops, order and dropout.
        teaching: How the student learns from its teachers, for `train --teacher`; None in other recipes.

    Example:
        >>> Recipe("an example", phases=(Phase("adam", learning_rate=1e-3, epochs=20),)).batch_size
        16
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
    teaching: Teaching | None = None

    def __post_init__(self):
        _check_numbers(self)
        if not self.phases:
            raise ValueError("A recipe needs at least one entry in `phases`. Received: none.")
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
                f"`spec_augment` of a recipe must be an object of settings, or null. Received: {self.spec_augment!r}."
            )
        for name in self.spec_augment or ():
            if name not in MASKS:
                raise UnknownNameError.of("setting of `spec_augment`", name, MASKS)
        if self.teaching and (self.best_by != "loss" or any(phase.layers != "all" for phase in self.phases)):
            raise ValueError(
                'A recipe for teaching must train all layers and have best_by "loss": with the teachers\' scores as '
                "labels, the lowest cross-entropy is the lowest divergence from them."
            )

    def to_dict(self) -> dict[str, Any]:
        """Returns plain data for JSON."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Recipe":
        """Reads the result of `to_dict`; settings that are left out keep their defaults.

        Raises:
            UnknownNameError: If a setting is unknown.
            ValueError: If a setting is missing or out of range.

        Example:
            >>> phase = {"optimizer": "sgd", "learning_rate": 0.1, "epochs": 3}
            >>> recipe = Recipe.from_dict({"summary": "an example", "phases": [phase]})
            >>> recipe.phases[0].epochs, recipe.phases[0].momentum
            (3, 0.9)
            >>> Recipe.from_dict(recipe.to_dict()) == recipe
            True
        """
        phases = data.get("phases")
        if not isinstance(phases, list) or not all(isinstance(phase, dict) for phase in phases):
            raise ValueError(f"`phases` of a recipe must be a list of objects. Received: {phases!r}.")
        teaching = data.get("teaching")
        if teaching is not None:
            if not isinstance(teaching, dict) or not isinstance(teaching.get("alterations", {}), dict):
                raise ValueError(f"`teaching` of a recipe must be an object of settings. Received: {teaching!r}.")
            alterations = _from_plain_data(Alteration, teaching.get("alterations", {}))
            teaching = _from_plain_data(Teaching, {**teaching, "alterations": alterations})
        phases = tuple(_from_plain_data(Phase, phase) for phase in phases)
        return _from_plain_data(cls, {**data, "phases": phases, "teaching": teaching})


def names() -> list[str]:
    """Returns the names of the recipes that come with the package: the folder is the registry.

    Example:
        >>> names()
        ['finetune', 'short', 'teach', 'won2020']
    """
    return sorted(path.stem for path in RECIPES_FOLDER.glob("*.json"))


def read_recipe(name: str | Path) -> Recipe:
    """Reads a recipe.

    Args:
        name: One of `names()`, or the path of a JSON file.

    Raises:
        UnknownNameError: If it is neither, or the file has an unknown setting.
        ValueError: If the file is not a JSON object, or a setting is missing or out of range.

    Example:
        >>> [phase.optimizer for phase in read_recipe("won2020").phases]
        ['adam', 'sgd', 'sgd', 'sgd']
    """
    path = Path(name) if str(name).endswith(".json") else RECIPES_FOLDER / f"{name}.json"
    if not path.is_file():
        raise UnknownNameError.of("recipe", str(name), [*names(), "or the path of a .json file"])
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path} must contain a JSON object with `summary` and `phases`. Received: {data!r}.")
    return Recipe.from_dict(data)


def with_changes(recipe: Recipe, epochs: int | None = None, steps: int | None = None, **settings) -> Recipe:
    """Returns a recipe with some settings changed; settings that are None stay as they are.

    Args:
        recipe: The recipe.
        epochs: Maximum number of epochs per phase.
        steps: Number of steps per phase, which replaces the recipe's steps and epochs.
        **settings: Settings of `Recipe`.

    Example:
        >>> changed = with_changes(read_recipe("won2020"), epochs=30, seed=1)
        >>> [phase.epochs for phase in changed.phases], changed.seed, changed.batch_size
        ([30, 20, 20, 30], 1, 16)
    """
    given = {name: value for name, value in settings.items() if value is not None}
    phases = recipe.phases
    if steps is not None:
        phases = [dataclasses.replace(phase, epochs=0, steps=steps) for phase in phases]
    if epochs is not None:
        phases = [dataclasses.replace(phase, epochs=min(phase.epochs or epochs, epochs)) for phase in phases]
    return dataclasses.replace(recipe, phases=tuple(phases), **given)


def _from_plain_data(cls, data: dict[str, Any]) -> Any:
    """Makes a `Phase`, `Recipe`, `Teaching` or `Alteration` of plain data."""
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for name in data:
        if name not in fields:
            raise UnknownNameError.of(f"setting of {_title(cls)}", name, fields)
    missing = [name for name, f in fields.items() if f.default is dataclasses.MISSING and name not in data]
    if missing:
        raise ValueError(f"Required settings of {_title(cls)} are missing: {', '.join(missing)}. Received: {data!r}.")
    return cls(**data)


def _title(cls) -> str:
    return {Alteration: "an alteration", Teaching: "`teaching`"}.get(cls, f"a {cls.__name__.lower()}")


def _check_numbers(settings: Any) -> None:
    """Raises ValueError if a JSON file has a string or a fraction in place of a (whole) number, or the reverse."""
    kinds = {int: (Integral, "a whole number"), float: (Real, "a number"), str: (str, "a string")}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        kind, called = kinds.get(field.type, (object, ""))
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not object):
            what = type(settings).__name__.lower()
            raise ValueError(f"`{field.name}` of a {what} must be {called}. Received: {value!r}.")

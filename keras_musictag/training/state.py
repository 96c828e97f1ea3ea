"""What a training run is asked for: kept beside it, so that going on with something else is noticed.

Everything that a training run needs to go on where it was, in one file that is there whole or not at all.

Keras keeps the states of Dropout's seed generators in neither `.weights.h5` nor `.keras`; `Model.variables` has them.
On PyTorch, dropout draws from PyTorch's own generators: their states are kept as well.
"""

import dataclasses
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from keras_musictag.choices import LEVELS
from keras_musictag.errors import TrainingError, UnknownNameError
from keras_musictag.files import write_bytes, write_json
from keras_musictag.records.folder import Records
from keras_musictag.training.recipe import Recipe

SONG_SECONDS = 29.0  # what the long networks of the 2020 evaluation hear: 464,000 samples
FILE_NAME = "run.json"


@dataclass(frozen=True)
class Settings:
    """A training run.

    Attributes:
        model: An architecture's name, or what `load` takes where `weights` is given.
        weights: Pretrained weights to start from, as `load` takes them; None for random ones.
        level: "chunk" trains on chunks of the network's own length; "song" on `SONG_SECONDS` at once, which the
            architecture must allow (`ANY_LENGTH`). `fcn` and `crnn` hear 29 s at either level.
        precision: "float32" or "bfloat16" or "float16".
        recipe: How it is trained.
        records: The records' dataset, split and hash.
        config: Changes to the architecture's `Config`, or None.
        teachers: Name and SHA-256 of the weights of each teacher, or None.
    """

    model: str
    weights: str | None
    level: str
    precision: str
    recipe: Recipe
    records: dict[str, str]
    config: dict[str, Any] | None = None
    teachers: list[dict[str, str]] | None = None

    def __post_init__(self):
        if self.level not in LEVELS:
            raise UnknownNameError.of("level", self.level, LEVELS)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return {**json.loads(json.dumps(dataclasses.asdict(self))), "recipe": self.recipe.to_dict()}


def facts_of(records: Records) -> dict[str, str]:
    """What tells one folder of records from another."""
    return {name: records.info[name] for name in ("dataset", "dataset_version", "split", "split_sha256", "storage")}


def claim_folder(folder: Path, settings: Settings) -> None:
    """Writes `run.json` into the folder of a run, made for it."""
    write_json(folder / FILE_NAME, settings.to_dict())


def check_folder(folder: Path, settings: Settings) -> None:
    """Checks that a folder is a new run's, or the same run's.

    Raises:
        TrainingError: If it is of another run; the message says which settings differ.
    """
    path, wanted = folder / FILE_NAME, settings.to_dict()
    if not path.is_file():
        return
    try:
        found = {"config": None, "teachers": None, **json.loads(path.read_text(encoding="utf-8"))}
        found["recipe"] = Recipe.from_dict(found["recipe"]).to_dict()  # it may lack settings that came later
    except (ValueError, TypeError, KeyError, UnknownNameError) as error:
        raise TrainingError(f"{path} does not describe a run ({error}). Train into another folder.") from error
    differing = [
        f"{name} ({found.get(name)!r}, now {value!r})" for name, value in wanted.items() if found.get(name) != value
    ]
    if differing:
        raise TrainingError(
            f"{folder} holds a run with other settings: {'; '.join(differing)}. Train into another folder, or pass the "
            "settings that it was begun with."
        )


@dataclass
class Position:
    """Where a run is.

    Attributes:
        phase: Of the recipe, from 0.
        epoch: Of the whole run, from 0: the one that is being trained.
        phase_epoch: Epochs of this phase that are done.
        step: Steps of this epoch that are done.
        loss_sum: Of these steps' losses; a smaller last batch counts for its share.
        best_value: Highest value so far of the recipe's measure; of the loss, the negated one.
        best_epoch: When that was; -1 before the first.
        stale_epochs: Epochs of this phase since the best.
        log: A row an epoch that is done, as in `log.csv`.
    """

    phase: int = 0
    epoch: int = 0
    phase_epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    best_value: float = float("-inf")
    best_epoch: int = -1
    stale_epochs: int = 0
    log: list[dict] = field(default_factory=list)


def save_state(path: Path, model: keras.Model, position: Position) -> None:
    """Writes the model's variables, seed generators' included, the optimiser's, and the position.

    Raises:
        TrainingError: If one of them is no number; the state that was there before stays.
        OSError: If the disk is full; likewise.
    """
    variables = {f"model/{i:04d}": v for i, v in enumerate(model_variables(model))}
    variables |= {f"optimizer/{i:04d}": v for i, v in enumerate(model.optimizer.variables)}
    arrays = {name: np.array(keras.ops.convert_to_numpy(v), order="C") for name, v in variables.items()}
    arrays |= {f"torch/{i:04d}": state for i, state in enumerate(torch_states())}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise divergence("weights", position, path)
    write_bytes(path, save(arrays, metadata={"position": json.dumps(asdict(position))}))


def divergence(what: str, position: Position, state_file: Path) -> TrainingError:
    """The error where something became no number; what was saved before is good."""
    return TrainingError(
        f"The {what} became no number in epoch {position.epoch + 1}, step {position.step}. The last good state and the "
        f"best weights are kept in {state_file.parent}. Try a lower learning rate or float32, in another folder."
    )


def read_position(path: Path) -> Position:
    """The position in a state file.

    Raises:
        TrainingError: If it is none, or damaged.
    """
    try:
        with safe_open(path, "numpy") as file:
            return Position(**json.loads(file.metadata()["position"]))
    except (SafetensorError, TypeError, KeyError, ValueError) as error:
        raise TrainingError(
            f"{path} is no state of a run ({error}). Is it damaged? Train into another folder."
        ) from error


def restore_state(path: Path, model: keras.Model) -> None:
    """Puts a state file's values into a compiled model whose optimiser is built.

    Raises:
        TrainingError: If the file is of another network or optimiser.
    """
    wanted = {"model": model_variables(model), "optimizer": model.optimizer.variables}
    with safe_open(path, "numpy") as file:
        names = {name for name in file.keys() if not name.startswith("torch/")}
        expected = {f"{kind}/{i:04d}": v for kind, vs in wanted.items() for i, v in enumerate(vs)}
        if names != set(expected):
            raise TrainingError(f"{path} is the state of another network or optimiser. Train into another folder.")
        for name, variable in expected.items():
            variable.assign(file.get_tensor(name))
        set_torch_states([file.get_tensor(name) for name in sorted(set(file.keys()) - names)])


def torch_states() -> list[np.ndarray]:
    """Of the generators of the CPU and of each GPU; none on other backends."""
    if keras.backend.backend() != "torch":
        return []
    import torch

    return [state.numpy() for state in (torch.get_rng_state(), *torch.cuda.get_rng_state_all())]


def set_torch_states(states: list[np.ndarray]) -> None:
    """Puts back what `torch_states` gave."""
    if keras.backend.backend() != "torch" or not states:
        return
    import torch

    cpu, *gpus = (torch.from_numpy(state) for state in states)
    torch.set_rng_state(cpu)
    torch.cuda.set_rng_state_all(gpus[: torch.cuda.device_count()])


def model_variables(model: keras.Model) -> list:
    """All variables of a model but its metrics', in a fixed order."""
    metrics = {id(v) for v in model.metrics_variables}
    return [v for v in model.variables if id(v) not in metrics]

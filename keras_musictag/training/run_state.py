"""The settings of a training run, and the state from which it resumes.

`run.json` has the settings, so that a run is never resumed with different ones. The state is one file, which is
complete or does not exist. Keras saves the states of Dropout's seed generators in neither `.weights.h5` nor `.keras`,
but `Model.variables` has them. On PyTorch, dropout draws from PyTorch's own generators, whose states are saved as well.
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

from keras_musictag.choices import EXAMPLE_LEVELS
from keras_musictag.errors import TrainingError, UnknownNameError
from keras_musictag.files import write_bytes, write_json
from keras_musictag.records.folder import Records
from keras_musictag.training.recipe import Recipe

SONG_SECONDS = 29.0  # input of the long networks of the 2020 evaluation: 464,000 samples
SETTINGS_FILE = "run.json"


@dataclass(frozen=True)
class Settings:
    """The settings of a training run.

    Attributes:
        model: The name of an architecture, or a model for `load` if `weights` is given.
        weights: Pretrained weights to start from, as for `load`; None for random weights.
        level: "chunk" trains on chunks of the network's own length; "song" on `SONG_SECONDS` at once, which the
            architecture must allow (`ANY_LENGTH`). `fcn` and `crnn` take 29 s at either level.
        precision: "float32", "bfloat16" or "float16".
        recipe: How the network is trained.
        records: Dataset, split and hash of the records.
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
        if self.level not in EXAMPLE_LEVELS:
            raise UnknownNameError.of("level", self.level, EXAMPLE_LEVELS)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain data for JSON."""
        return {**json.loads(json.dumps(dataclasses.asdict(self))), "recipe": self.recipe.to_dict()}


def records_identity(records: Records) -> dict[str, str]:
    """Returns what distinguishes one folder of records from another."""
    return {name: records.info[name] for name in ("dataset", "dataset_version", "split", "split_sha256", "storage")}


def write_settings(folder: Path, settings: Settings) -> None:
    """Writes `run.json` into the folder of a run, which is created if it does not exist."""
    write_json(folder / SETTINGS_FILE, settings.to_dict())


def check_settings(folder: Path, settings: Settings) -> None:
    """Checks that a folder is new, or belongs to a run with the same settings.

    Raises:
        TrainingError: If it belongs to another run; the message says which settings differ.
    """
    path, wanted = folder / SETTINGS_FILE, settings.to_dict()
    if not path.is_file():
        return
    try:
        found = {"config": None, "teachers": None, **json.loads(path.read_text(encoding="utf-8"))}
        found["recipe"] = Recipe.from_dict(
            found["recipe"]
        ).to_dict()  # adds settings that did not exist when it was written
    except (ValueError, TypeError, KeyError, UnknownNameError) as error:
        raise TrainingError(f"{path} does not describe a training run ({error}). Train into another folder.") from error
    differing = [
        f"{name} ({found.get(name)!r}, now {value!r})" for name, value in wanted.items() if found.get(name) != value
    ]
    if differing:
        raise TrainingError(
            f"{folder} contains a run with other settings: {'; '.join(differing)}. Train into another folder, or pass "
            "the settings with which it was started."
        )


@dataclass
class Position:
    """The position of a run in its recipe and its data.

    Attributes:
        phase: Index of the current phase of the recipe, from 0.
        epoch: Index of the current epoch of the whole run, from 0.
        phase_epoch: Number of finished epochs of this phase.
        step: Number of finished steps of this epoch.
        loss_sum: Sum of the losses of these steps; a smaller last batch counts in proportion.
        best_value: Highest value so far of the recipe's measure; for the loss, its negative.
        best_epoch: Epoch of the highest value; -1 before the first.
        stale_epochs: Number of epochs of this phase since the highest value.
        log: One row per finished epoch, as in `log.csv`.
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
    """Writes the variables of the model (with its seed generators) and the optimiser, and the position.

    Raises:
        TrainingError: If a variable is NaN or infinite; the earlier state is kept.
        OSError: If the disk is full; the earlier state is kept.
    """
    variables = {f"model/{i:04d}": v for i, v in enumerate(model_variables(model))}
    variables |= {f"optimizer/{i:04d}": v for i, v in enumerate(model.optimizer.variables)}
    arrays = {name: np.array(keras.ops.convert_to_numpy(v), order="C") for name, v in variables.items()}
    arrays |= {f"torch/{i:04d}": state for i, state in enumerate(torch_states())}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise divergence_error("weights", position, path)
    write_bytes(path, save(arrays, metadata={"position": json.dumps(asdict(position))}))


def divergence_error(what: str, position: Position, state_file: Path) -> TrainingError:
    """Makes the error for a loss or weights that became NaN or infinite; what was saved before is good."""
    return TrainingError(
        f"The {what} became NaN or infinite in epoch {position.epoch + 1}, step {position.step}. The last good state "
        f"and the best weights are in {state_file.parent}. Try a lower learning rate or float32, in another folder."
    )


def read_position(path: Path) -> Position:
    """Reads the position in a state file.

    Raises:
        TrainingError: If the file is damaged, or not a state file.
    """
    try:
        with safe_open(path, "numpy") as file:
            return Position(**json.loads(file.metadata()["position"]))
    except (SafetensorError, TypeError, KeyError, ValueError) as error:
        raise TrainingError(
            f"{path} is not the state of a training run ({error}). Is it damaged? Train into another folder."
        ) from error


def restore_state(path: Path, model: keras.Model) -> None:
    """Restores the values of a state file into a compiled model whose optimiser is built.

    Raises:
        TrainingError: If the file belongs to another network or optimiser.
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
    """Returns the states of PyTorch's generators of the CPU and of each GPU; none on other backends."""
    if keras.backend.backend() != "torch":
        return []
    import torch

    return [state.numpy() for state in (torch.get_rng_state(), *torch.cuda.get_rng_state_all())]


def set_torch_states(states: list[np.ndarray]) -> None:
    """Restores the result of `torch_states`."""
    if keras.backend.backend() != "torch" or not states:
        return
    import torch

    cpu, *gpus = (torch.from_numpy(state) for state in states)
    torch.set_rng_state(cpu)
    torch.cuda.set_rng_state_all(gpus[: torch.cuda.device_count()])


def model_variables(model: keras.Model) -> list:
    """Returns all variables of a model except those of its metrics, in a fixed order."""
    metrics = {id(v) for v in model.metrics_variables}
    return [v for v in model.variables if id(v) not in metrics]

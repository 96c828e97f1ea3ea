"""What a training run is asked for: kept beside it, so that going on with something else is noticed."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_musictag.errors import TrainingError, UnknownNameError
from keras_musictag.files import whole_file
from keras_musictag.records.folder import Records
from keras_musictag.training.recipe import Recipe

LEVELS = ("chunk", "song")
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
    with whole_file(folder / FILE_NAME) as scratch:
        scratch.write_text(json.dumps(settings.to_dict(), indent=1) + "\n", encoding="utf-8")


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

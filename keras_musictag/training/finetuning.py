"""`finetune`: a folder a tag, or a table, and a pretrained tagger -> a tagger of these tags, and how good it is."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_musictag import architectures
from keras_musictag.choices import FINETUNE_FRACTIONS
from keras_musictag.datasets import csv, folder
from keras_musictag.errors import DatasetError, UnknownNameError
from keras_musictag.evaluation.evaluating import evaluate
from keras_musictag.evaluation.reporting import Report
from keras_musictag.evaluation.run_folder import REPORT, read_run
from keras_musictag.records.folder import Records
from keras_musictag.records.manifest import Manifest
from keras_musictag.records.preparing import prepare
from keras_musictag.training.recipe import Recipe, read_recipe, with_changes
from keras_musictag.training.state import Position
from keras_musictag.training.trainer import train
from keras_musictag.zoo.loading import load
from keras_musictag.zoo.resolving import resolve

RECORDS, EVALUATION = "records", "evaluation"


@dataclass(frozen=True)
class Finetuned:
    """What came of it.

    Attributes:
        model: The file of the tagger, for `keras_musictag.load`.
        report: On the test part; None where there is none.
    """

    model: Path
    report: Report | None


def finetune(
    raw: str | os.PathLike | Manifest,
    out: str | os.PathLike,
    model: str = "musicnn",
    *,
    weights: str | None = "default",
    recipe: str | Path | Recipe | None = None,
    epochs: int | None = None,
    seed: int = 0,
    fractions: Sequence[float] = FINETUNE_FRACTIONS,
    precision: str = "float32",
    jobs: int | None = None,
    allow_missing: bool = False,
    on_tracks: Callable[[int, int], None] | None = None,
    on_records: Callable[[Records], None] = lambda records: None,
    on_step: Callable[[Position, int], None] = lambda position, steps: None,
    on_epoch: Callable[[list[dict]], None] = lambda rows: None,
) -> Finetuned:
    """Teaches a pretrained tagger tags of your own. The same call goes on where an interrupted one stopped.

    In a script, call it below `if __name__ == "__main__":`, as worker processes read the audio.

    Args:
        raw: A folder with a folder of audio for each tag (`datasets.folder`); a CSV or TSV file (`datasets.csv`); or a
            manifest, such as `datasets.csv.manifest` returns for a table that must be read with options.
        out: Folder to write: `model.keras`, `records`, `evaluation`, and what `train` leaves.
        model: An architecture, a zoo entry or a `.keras` file, as `load` takes it.
        weights: As `load` takes them; None for random ones, which takes many more tracks.
        recipe: As `train` takes it; None for "finetune" (the new head first, then everything), and for "short" from
            random weights.
        epochs: At most so many in each phase; None for the recipe's.
        seed: Random seed for the training, and for the split if `raw` is a path that does not state the parts.
        fractions: Shares of train, valid and test of that split.
        precision: "float32", "bfloat16" or "float16".
        jobs: Processes that read the audio; None for one a core.
        allow_missing: Continue without the files that are missing.
        on_tracks: Told how many tracks are read, and later evaluated, and of how many.
        on_records: Called with the records once all tracks are read, before the training.
        on_step: As `train` has it.
        on_epoch: As `train` has it.

    Raises:
        FileNotFoundError: If `raw` or a model's file does not exist.
        DatasetError: If there are too few tracks, audio is missing, or a tag has no track to learn from.
        UnknownNameError: If a name is not known.
        TrainingError: As `train` has it.
        RecordsError: If `raw` is another one than `out` was begun with.

    Example:
        `docs/finetuning.md` has a runnable one.
    """
    out = Path(out)
    recipe = recipe or ("short" if weights is None else "finetune")
    recipe = recipe if isinstance(recipe, Recipe) else read_recipe(recipe)
    _check_model(model, weights)
    if isinstance(raw, Manifest):
        manifest = raw
    elif Path(raw).is_dir():
        manifest = folder.manifest(Path(raw), seed, fractions)
    else:
        manifest = csv.manifest(Path(raw), seed=seed, fractions=fractions)
    _check_parts(manifest)
    records = prepare(manifest, out / RECORDS, jobs=jobs, allow_missing=allow_missing, report=on_tracks)
    heard = zip(records.vocabulary, records.info["parts"]["train"]["positives"], strict=True)
    _check_tags(records.vocabulary, {tag for tag, count in heard if count})  # again: some files may be no audio
    on_records(records)
    path = train(
        records.folder,
        out,
        model,
        with_changes(recipe, epochs=epochs, seed=seed),
        weights=weights,
        precision=precision,
        on_step=on_step,
        on_epoch=on_epoch,
    )
    if not records.part("test"):
        return Finetuned(path, None)
    measured = out / EVALUATION
    if (measured / REPORT).is_file():
        return Finetuned(path, read_run(measured).report)
    return Finetuned(path, evaluate(load(path), records.folder, measured, progress=on_tracks))


def _check_model(model: str, weights: str | None) -> None:
    """Before hours of audio are read in vain."""
    try:
        resolve(model, weights)
    except UnknownNameError as error:
        if model not in architectures.names():
            raise
        raise UnknownNameError(f"{error} To learn from random weights, pass --weights none (`weights=None`).") from None


def _check_parts(manifest: Manifest) -> None:
    """Whether each tag can be learned, and the learning be followed."""
    count = len(manifest.tracks)
    for part in ("train", "valid"):
        if not any(track.part == part for track in manifest.tracks):
            raise DatasetError(
                f"There must be a track in the parts train and valid at least, and {part} has none of the {count}. "
                "State the parts otherwise (of folds, with --valid-fold), or give no fraction of 0."
            )
    _check_tags(manifest.vocabulary, {tag for track in manifest.tracks if track.part == "train" for tag in track.tags})


def _check_tags(vocabulary: Iterable[str], learned: set[str]) -> None:
    if unheard := [tag for tag in vocabulary if tag not in learned]:
        raise DatasetError(
            f"Each tag needs a track in the part train. There is none with {', '.join(map(repr, unheard[:5]))}. Add "
            "tracks, state the parts, or divide by another seed."
        )

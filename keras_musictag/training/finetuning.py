"""`finetune`: tagged audio and a pretrained tagger -> a tagger with these tags, and its evaluation.

The tags come from folders, one per tag, or from a table.
"""

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
from keras_musictag.training.run_state import Position
from keras_musictag.training.trainer import train
from keras_musictag.zoo.loading import load
from keras_musictag.zoo.resolving import resolve

RECORDS, EVALUATION = "records", "evaluation"


@dataclass(frozen=True)
class Finetuned:
    """The result of `finetune`.

    Attributes:
        model: The file of the tagger, for `keras_musictag.load`.
        report: The report about the test part; None if there is no test part.
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
    """Teaches a pretrained tagger your own tags. The same call resumes where an interrupted one stopped.

    In a script, call this below `if __name__ == "__main__":`, because worker processes read the audio.

    Args:
        raw: A folder with a folder of audio for each tag (`datasets.folder`); a CSV or TSV file (`datasets.csv`); or a
            manifest, such as `datasets.csv.manifest` returns for a table that must be read with options.
        out: Folder to write: `model.keras`, `records`, `evaluation`, and the files of `train`.
        model: An architecture, a zoo entry or a `.keras` file, as for `load`.
        weights: As for `load`; None for random weights, which need many more tracks.
        recipe: As for `train`; None for "finetune" (first the new head, then all layers), or with random weights for
            "short".
        epochs: Maximum number of epochs per phase; None for the recipe's.
        seed: Random seed for the training, and for the split if `raw` is a path that does not state the parts.
        fractions: Shares of train, valid and test of that split.
        precision: "float32", "bfloat16" or "float16".
        jobs: Number of processes that read the audio; None for one per core.
        allow_missing: Whether to continue without missing files.
        on_tracks: Called with the number of tracks read, and later evaluated, and the total.
        on_records: Called with the records when all tracks are read, before the training.
        on_step: As for `train`.
        on_epoch: As for `train`.

    Raises:
        FileNotFoundError: If `raw` or a model's file does not exist.
        DatasetError: If there are too few tracks, audio is missing, or a tag has no track in the part train.
        UnknownNameError: If a name is unknown.
        TrainingError: As for `train`.
        RecordsError: If `out` was started with another `raw`.

    Example:
        See `docs/finetuning.md`.
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
    positives = zip(records.vocabulary, records.info["parts"]["train"]["positives"], strict=True)
    _check_tags(
        records.vocabulary, {tag for tag, count in positives if count}
    )  # again: some files may not contain audio
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
    """Raises UnknownNameError if the model is unknown, before hours of audio are read."""
    try:
        resolve(model, weights)
    except UnknownNameError as error:
        if model not in architectures.names():
            raise
        raise UnknownNameError(f"{error} To train from random weights, pass --weights none (`weights=None`).") from None


def _check_parts(manifest: Manifest) -> None:
    """Raises DatasetError unless each tag can be learned, and the training can be validated."""
    count = len(manifest.tracks)
    for part in ("train", "valid"):
        if not any(track.part == part for track in manifest.tracks):
            raise DatasetError(
                f"The parts train and valid must each have at least one track; {part} has none of the {count}. "
                "State the parts differently (for folds, with --valid-fold), or do not give a fraction of 0."
            )
    _check_tags(manifest.vocabulary, {tag for track in manifest.tracks if track.part == "train" for tag in track.tags})


def _check_tags(vocabulary: Iterable[str], learned: set[str]) -> None:
    if missing := [tag for tag in vocabulary if tag not in learned]:
        raise DatasetError(
            f"Each tag needs a track in the part train. There is none for {', '.join(map(repr, missing[:5]))}. Add "
            "tracks, state the parts, or split with another seed."
        )

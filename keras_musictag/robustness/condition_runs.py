"""Taggers and records -> one run folder per model and condition. The same call resumes after an interruption."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from keras_musictag.errors import printable
from keras_musictag.evaluation.measuring import DEFAULT_RESAMPLING, Resampling
from keras_musictag.evaluation.predicting import CHUNKS, network_hash, predict
from keras_musictag.evaluation.predictions import Predictions, load_predictions, save_predictions
from keras_musictag.evaluation.run_folder import REPORT, VALID, read_run, write_run
from keras_musictag.records.folder import Records
from keras_musictag.robustness.conditions import CONDITIONS, ORIGINAL
from keras_musictag.tagger import Tagger

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class _Task:
    """A model, a condition and a part, and the folder for the result."""

    name: str
    tagger: Tagger
    condition: str
    part: str
    folder: Path
    facts: Mapping[str, Any]  # everything that the scores depend on; a result with other facts is not reused


def measure_robustness(
    taggers: Mapping[str, Tagger],
    records: str | os.PathLike,
    out: str | os.PathLike,
    conditions: Sequence[str] = tuple(CONDITIONS),
    *,
    seed: int = 0,
    chunks: int = CHUNKS,
    resampling: Resampling = DEFAULT_RESAMPLING,
    progress: Progress | None = None,
) -> None:
    """Scores the test part under each condition. Thresholds come from the undeformed validation part.

    Each result is a run folder, `out/<model>/<condition>`, as `run_folder.write_run` writes it. Existing results are
    kept.

    Args:
        taggers: Taggers by their name in tables and folders, all with the tags of the records.
        records: A folder that `keras-musictag prepare` wrote.
        out: Folder to write.
        conditions: Names in `CONDITIONS`.
        seed: Random seed of the noise, combined with each track's index.
        chunks: Number of chunks per track, spread as in the 2020 evaluation.
        resampling: How the intervals are computed.
        progress: Called with the number of tracks done and the total, over all models and conditions.

    Raises:
        ValueError: If a name is not a valid folder name, or a result in `out` has other settings or is damaged.
        DatasetError: If a tagger and the records have different tags, or there are no test tracks.
        RecordsError: If a record is damaged.
    """
    records, out = Records(records), Path(out)
    conditions = (ORIGINAL, *(name for name in conditions if name != ORIGINAL))
    for name in taggers:
        _check_name(name)
    of_test, of_valid = [], []
    for name, tagger in taggers.items():
        tasks = _test_tasks(name, tagger, records, out / name, conditions, seed, chunks)
        waiting = []
        for task in tasks:
            if not _is_finished(task, resampling):
                waiting.append(task)
            elif task.folder.is_dir():
                _delete_resume_files(task.folder)  # left by a run that was killed after it wrote its report
        of_test += waiting
        if waiting and records.part("valid"):
            of_valid.append(_valid_task(waiting[0], out / name))
    progress_of = _split_progress(progress, sum(len(records.part(task.part)) for task in of_valid + of_test))
    # for all models first, so that wrong tags are reported at once
    valid = {task.name: _valid(task, records, chunks, progress_of(len(records.part("valid")))) for task in of_valid}
    for task in of_test:
        predictions = _score(task, records, chunks, progress_of(len(records.part("test"))), seed)
        write_run(task.folder, predictions, valid.get(task.name), resampling=resampling)
        _delete_resume_files(task.folder)


def _split_progress(progress: Progress | None, total: int) -> Callable[[int], Progress | None]:
    """Makes a function that returns the `progress` of the next task, given its number of tracks."""
    total_before = 0

    def progress_of(tracks: int) -> Progress | None:
        nonlocal total_before
        before = total_before
        total_before += tracks
        return None if progress is None else lambda done, _: progress(before + done, total)

    return progress_of


def name_taggers(taggers: Sequence[Tagger], names: Sequence[str] = ()) -> dict[str, Tagger]:
    """Maps the given names, or the taggers' own names, to the taggers.

    Raises:
        ValueError: If the numbers of names and taggers differ, or two names are equal.

    Example:
        >>> import keras_musictag as kmt
        >>> list(name_taggers([kmt.build("vgg", tags=["calm"])], names=["mine"]))
        ['mine']
    """
    if names and len(names) != len(taggers):
        raise ValueError(
            f"There must be one name per model, or none. Received: {len(names)} for {len(taggers)} models."
        )
    names = list(names) or [tagger.name for tagger in taggers]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"Two models are called {name!r}. Name each of them, in their order: --name one --name other."
            )
    return dict(zip(names, taggers, strict=True))


def _check_name(name: str) -> None:
    if not name or name.startswith(".") or set(name) & set('/\\:*?"<>|') or printable(name) != name:
        raise ValueError(f"A model's name must be a valid folder name. Received: {name!r}. Choose another name.")


def _test_tasks(name, tagger, records, folder, conditions, seed, chunks) -> Iterator[_Task]:
    network = network_hash(tagger)
    for condition in conditions:
        facts = {"network": network, "records_plan": _short(records.info["plan"]), "chunks_per_track": chunks}
        facts |= CONDITIONS[condition].facts(seed)
        yield _Task(name, tagger, condition, "test", folder / condition, facts)


def _valid_task(task: _Task, folder: Path) -> _Task:
    facts = {name: task.facts[name] for name in ("network", "records_plan", "chunks_per_track")}
    return replace(task, condition=ORIGINAL, part="valid", folder=folder, facts=facts)


def _short(plan: Any) -> str:
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


def _is_finished(task: _Task, resampling: Resampling) -> bool:
    """Whether the result exists. If its intervals are different, they are computed again from its predictions."""
    if not (task.folder / REPORT).is_file():
        return False
    try:
        run = read_run(task.folder)
    except ValueError as error:
        raise ValueError(f"{error} To do so, delete {str(task.folder)!r} and run the same command.") from error
    _check_facts(task, run.predictions)
    if run.report.resampling != resampling:
        valid = task.folder / VALID
        write_run(
            task.folder,
            run.predictions,
            load_predictions(valid) if valid.is_file() else None,
            resampling=resampling,
        )
    return True


def _check_facts(task: _Task, found: Predictions) -> None:
    for name, wanted in task.facts.items():
        if found.facts.get(name) != wanted:
            raise ValueError(
                f"{str(task.folder)!r} contains a result with other settings: its {name} is "
                f"{found.facts.get(name)!r}; now it would be {wanted!r}. Choose another folder, or delete this one."
            )


def _valid(task: _Task, records: Records, chunks: int, progress: Progress | None) -> Predictions:
    """Returns the model's scores of the validation part, which are computed once for all conditions."""
    path = task.folder / VALID
    if path.is_file():
        predictions = load_predictions(path)
        _check_facts(replace(task, folder=path), predictions)
        _delete_resume_files(task.folder)
        return predictions
    predictions = _score(task, records, chunks, progress)
    save_predictions(predictions, path)
    _delete_resume_files(task.folder)
    return predictions


def _score(task: _Task, records: Records, chunks: int, progress: Progress | None, seed: int = 0) -> Predictions:
    condition = CONDITIONS[task.condition]
    key = _short(dict(task.facts))[:16]  # scores that depend on other facts are not resumed
    task.folder.mkdir(parents=True, exist_ok=True)
    predictions = predict(
        task.tagger,
        records,
        task.part,
        name=task.name,
        chunks=chunks,
        deform=condition.deform(seed),
        deformation="" if task.condition == ORIGINAL else task.condition,
        resume_file=task.folder / f".{key}.partial.npz",
        progress=progress,
    )
    # speed is not measured here, and equal scores must give equal files
    facts = {name: value for name, value in predictions.facts.items() if name != "chunks_per_second"}
    return replace(predictions, facts={**facts, **task.facts})


def _delete_resume_files(folder: Path) -> None:
    for file in folder.glob(".*.partial.npz"):
        file.unlink()

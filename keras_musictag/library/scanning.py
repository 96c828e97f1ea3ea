"""`scan`: folders of music -> scores and embeddings in the database. It can be interrupted at any time and resumed.

The plan says which files to read (`scan_plan`), worker processes identify and decode them (`track_feed`), networks run
on batches in which chunks of different tracks are mixed (`network_batches`), and finished tracks are stored in small
groups (`scan_writer`).
"""

import os
from collections.abc import Callable, Sequence
from os import PathLike

import numpy as np

from keras_musictag.errors import MusicTagError
from keras_musictag.library.database import Database, StoredModel
from keras_musictag.library.decoding_workers import Failed
from keras_musictag.library.music_files import check_roots, check_volumes, find_music, found_file
from keras_musictag.library.network_batches import NetworkBatches
from keras_musictag.library.scan_loop import Network, ScanLoop, ScanSummary
from keras_musictag.library.scan_models import ModelChoice, choose_model
from keras_musictag.library.scan_plan import ScanPlan
from keras_musictag.library.scan_writer import ScanWriter
from keras_musictag.library.vectors import forget_lost
from keras_musictag.processes import usable_cores
from keras_musictag.tagger.tagging import Tagging
from keras_musictag.zoo.catalog import entries
from keras_musictag.zoo.resolving import DEFAULT

STALL_SECONDS = 60.0  # the slowest step of a decoder is opening a file on a disk that has to start
MOST_JOBS = 8  # by default: one core decodes faster than most networks run on several


def scan(
    folders: Sequence[str | PathLike],
    database: Database,
    models: Sequence[str | PathLike] = ("musicnn",),
    weights: str | PathLike = DEFAULT,
    engine: str | None = None,
    precision: str | None = None,
    jobs: int | None = None,
    video: bool = False,
    stall_seconds: float = STALL_SECONDS,
    report: Callable[[ScanSummary], None] | None = None,
) -> ScanSummary:
    """Tags the music in folders. Call it again to resume, or to add what is new.

    A file whose size and modification time are the same is not read. A file that was moved, renamed or retagged is
    recognised by its audio. Files that have disappeared are marked as missing. A file that cannot be used is stored
    with the reason. If a drive or network share is disconnected meanwhile, the scan ends, and the files on it stay as
    they were. The scores of a track are those of `Tagger.tag`, and its embedding is the mean of `Tagger.embed`.

    It starts worker processes: in a script, call it below `if __name__ == "__main__":`.

    Args:
        folders: Folders to search, at any depth.
        database: The database to fill.
        models: Names or paths as for `load`. They share the decoding, if they have one sample rate.
        weights: As for `load`.
        engine: "onnx", "litert" or "openvino", without TensorFlow in any process; None for Keras.
        precision: As for `load`.
        jobs: Number of processes that decode; None for one per core, at most 8.
        video: Whether to tag video files, too.
        stall_seconds: A decoder that makes no progress for so long, in seconds, is ended.
        report: Called regularly with the summary so far. What it raises ends the scan; finished tracks are kept.

    Returns:
        A `ScanSummary`.

    Raises:
        FileNotFoundError: If a folder does not exist.
        MusicTagError: If a folder is empty, cannot be read or holds no music (a drive may not be connected), another
            process scans into the database, or the disk is full.
        ValueError: If `folders` or `models` is empty, or a number is not positive.
        The errors of `load`.

    Example:
        >>> import shutil, tempfile
        >>> from keras_musictag import demo_clip
        >>> from keras_musictag.library import Database
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = shutil.copy(demo_clip(), folder)
        ...     with Database(f"{folder}/library.db", create=True) as database:
        ...         scan([folder], database, models=["vgg"], jobs=1).tagged
        1
    """
    _check_numbers(jobs, stall_seconds)
    if not models:
        raise ValueError("`models` must name at least one model.")
    choices = list(dict.fromkeys(choose_model(model, weights, engine, precision) for model in models))
    roots = check_roots(folders)
    with database.writing():
        plan = ScanPlan(database, find_music(roots, video))
        check_volumes(plan.volumes, stall_seconds)
        if not plan.num_found:
            raise MusicTagError(
                f"There are no music files in {', '.join(map(repr, roots))}. Is a drive or network share disconnected? "
                "Nothing was changed in the library."
            )
        return _run(plan, lambda: plan.mark_missing(roots, video), database, choices, jobs, stall_seconds, report)


def rescan_problems(
    database: Database,
    models: Sequence[str | PathLike] | None = None,
    weights: str | PathLike = DEFAULT,
    engine: str | None = None,
    precision: str | None = None,
    jobs: int | None = None,
    stall_seconds: float = STALL_SECONDS,
    report: Callable[[ScanSummary], None] | None = None,
) -> ScanSummary:
    """Reads the files again that could not be tagged, whether they have changed or not.

    A file that does not exist at present, because a drive is not connected, for example, stays a problem, and the next
    scan that finds it reads it again.

    Args:
        database: The database.
        models: As for `scan`; None for those whose results the database has and which are in the zoo.
        weights, engine, precision, jobs, stall_seconds, report: As for `scan`.

    Returns:
        A `ScanSummary` of these files.

    Raises:
        MusicTagError: If no model is named and none of the database is in the zoo, another process scans into the
            database, or the disk is full.
        ValueError: If `jobs` or `stall_seconds` is not positive.
        The errors of `load`.

    Example:
        >>> import tempfile
        >>> from keras_musictag.library import Database
        >>> with tempfile.TemporaryDirectory() as folder, Database(f"{folder}/library.db", create=True) as database:
        ...     rescan_problems(database).found
        0
    """
    _check_numbers(jobs, stall_seconds)
    with database.writing():
        paths = [problem.path for problem in database.problems() if os.path.lexists(problem.path)]
        if not paths:
            return ScanSummary()
        if models:
            choices = [choose_model(model, weights, engine, precision) for model in models]
        else:
            choices = _zoo_models(database, engine, precision)
        database.retry_problems()
        plan = ScanPlan(database, map(found_file, paths))
        return _run(plan, lambda: 0, database, list(dict.fromkeys(choices)), jobs, stall_seconds, report)


def _check_numbers(jobs: int | None, stall_seconds: float) -> None:
    if jobs is not None and jobs < 1:
        raise ValueError(f"`jobs` must be 1 or more. Received: {jobs}.")
    if not stall_seconds > 0:
        raise ValueError(f"`stall_seconds` must be positive. Received: {stall_seconds}.")


def _zoo_models(database: Database, engine: str | None, precision: str | None) -> list[ModelChoice]:
    """The models of a database that can be loaded by their names, because the zoo has them with the same weights."""
    stored = {(model.name, model.weights_sha256) for model in database.models()}
    names = sorted({name for name, _ in stored} & set(entries()))
    choices = [choose_model(name, engine=engine, precision=precision) for name in names]
    found = [choice for choice in choices if (choice.name, choice.weights_sha256) in stored]
    if not found:
        raise MusicTagError(
            f"No model of the library can be loaded by its name: {', '.join(sorted(name for name, _ in stored))}. Name "
            "one as for the scan: --model FILE."
        )
    return found


def _run(plan, mark_missing, database, choices, jobs, stall_seconds, report) -> ScanSummary:
    """Does what a plan says, inside `Database.writing()`."""
    stored = {(model.name, model.weights_sha256): model for model in database.models()}
    models = [stored.get((choice.name, choice.weights_sha256)) for choice in choices]
    taggers = []
    if None in models:  # a model that was never used: its length of an embedding is not known
        taggers = [choice.open() for choice in choices]
        models = [store_model(database, choice, tagger) for choice, tagger in zip(choices, taggers, strict=True)]
    for model in models:
        forget_lost(database, model)
    to_read = plan.choose(models)
    summary = ScanSummary(
        found=plan.num_found,
        unchanged=plan.num_found - to_read - len(plan.broken),
        known_problems=plan.count_known_problems(),
        to_read=to_read + len(plan.broken),
        problems=len(plan.broken),
        missing=mark_missing(),
        closed=tuple((each.path, each.reason) for each in plan.closed),
    )
    with ScanWriter(database, models) as writer:
        for file in plan.broken:
            writer.add_problem(file, Failed(file.problem))
        writer.commit()
        if to_read:
            taggers = taggers or [choice.open() for choice in choices]
            networks = [
                Network(model, NetworkBatches(tagger), tagger.chunking, choice.computed_by(tagger))
                for model, choice, tagger in zip(models, choices, taggers, strict=True)
            ]
            loop = ScanLoop(database, networks, writer, plan.volumes, summary, report or (lambda summary: None))
            loop.run(plan.to_read(), jobs or min(usable_cores(), MOST_JOBS), stall_seconds)
    return summary


def store_model(database: Database, choice: ModelChoice, tagger: Tagging) -> StoredModel:
    """Finds or stores a model that is loaded."""
    _, embedding = tagger.chunk_outputs(np.zeros((1, tagger.chunking.chunk_samples), np.float32))
    return database.add_model(choice.name, choice.weights_sha256, tagger.vocabulary, embedding.shape[1])

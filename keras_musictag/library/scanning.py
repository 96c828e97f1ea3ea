"""`scan`: folders of music -> scores and embeddings in the database. It can be interrupted at any time and resumed.

The plan says which files to read (`scan_plan`), worker processes identify and decode them (`track_feed`), networks run
on batches in which chunks of different tracks are mixed (`network_batches`), and finished tracks are stored in small
groups (`scan_writer`).
"""

from collections.abc import Callable, Sequence
from os import PathLike

import numpy as np

from keras_musictag.errors import MusicTagError
from keras_musictag.library.database import Database, StoredModel
from keras_musictag.library.decoding_workers import Failed
from keras_musictag.library.music_files import check_roots, find_music
from keras_musictag.library.network_batches import NetworkBatches
from keras_musictag.library.scan_loop import Network, ScanLoop, ScanSummary
from keras_musictag.library.scan_models import ModelChoice, choose_model
from keras_musictag.library.scan_plan import ScanPlan
from keras_musictag.library.scan_writer import ScanWriter
from keras_musictag.library.vectors import forget_lost
from keras_musictag.processes import usable_cores
from keras_musictag.tagger.tagging import Tagging
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
    with the reason. The scores of a track are those of `Tagger.tag`, and its embedding is the mean of `Tagger.embed`.

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
    if jobs is not None and jobs < 1:
        raise ValueError(f"`jobs` must be 1 or more. Received: {jobs}.")
    if not stall_seconds > 0:
        raise ValueError(f"`stall_seconds` must be positive. Received: {stall_seconds}.")
    if not models:
        raise ValueError("`models` must name at least one model.")
    choices = list(dict.fromkeys(choose_model(model, weights, engine, precision) for model in models))
    roots = check_roots(folders)
    with database.writing():
        return _scan(
            roots,
            database,
            choices,
            jobs or min(usable_cores(), MOST_JOBS),
            video,
            stall_seconds,
            report or (lambda summary: None),
        )


def _scan(roots, database, choices, jobs, video, stall_seconds, report) -> ScanSummary:
    plan = ScanPlan(database, find_music(roots, video))
    if not plan.num_found:
        raise MusicTagError(
            f"There are no music files in {', '.join(map(repr, roots))}. Is a drive or network share disconnected? "
            "Nothing was changed in the library."
        )
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
        to_read=to_read + len(plan.broken),
        problems=len(plan.broken),
        missing=plan.mark_missing(roots, video),
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
            loop = ScanLoop(database, networks, writer, roots, summary, report)
            loop.run(plan.to_read(), jobs, stall_seconds)
    return summary


def store_model(database: Database, choice: ModelChoice, tagger: Tagging) -> StoredModel:
    """Finds or stores a model that is loaded."""
    _, embedding = tagger.chunk_outputs(np.zeros((1, tagger.chunking.chunk_samples), np.float32))
    return database.add_model(choice.name, choice.weights_sha256, tagger.vocabulary, embedding.shape[1])

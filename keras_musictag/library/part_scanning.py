"""Scans a list of files into a part: what one worker of `distribute` does at a time, on one machine."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from keras_musictag.errors import MusicTagError, quantity
from keras_musictag.library.database import Database
from keras_musictag.library.decoding_workers import Failed
from keras_musictag.library.music_files import found_file
from keras_musictag.library.network_batches import NetworkBatches
from keras_musictag.library.part_files import write_part
from keras_musictag.library.scan_loop import Network, ScanLoop, ScanSummary
from keras_musictag.library.scan_models import ModelChoice
from keras_musictag.library.scan_plan import ScanPlan
from keras_musictag.library.scan_writer import ScanWriter
from keras_musictag.library.scanning import store_model
from keras_musictag.tagger.tagging import Tagging


def scan_part(
    paths: Sequence[str], part: Path, choice: ModelChoice, tagger: Tagging, jobs: int, stall_seconds: float
) -> ScanSummary:
    """Scans files, by way of a database in a temporary folder.

    Args:
        paths: Absolute paths.
        part: The Parquet file to write.
        choice: The model.
        tagger: The same, loaded.
        jobs: Number of processes that decode.
        stall_seconds: A decoder that makes no progress for so long, in seconds, is ended.

    Returns:
        A `ScanSummary`.

    Raises:
        MusicTagError: If none of the files can be read: their share may not be connected to this machine.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        Database(Path(folder) / "part.db", create=True) as database,
        database.writing(),
    ):
        model = store_model(database, choice, tagger)
        plan = ScanPlan(database, map(found_file, paths))
        if len(plan.broken) == plan.num_found:
            raise MusicTagError(
                f"None of the {quantity(len(paths), 'file')}, such as {paths[0]!r}, can be read. Is their share "
                "connected to that machine? If they were deleted, make a new list."
            )
        summary = ScanSummary(plan.num_found, to_read=plan.choose([model]), problems=len(plan.broken))
        network = Network(model, NetworkBatches(tagger), tagger.chunking, choice.computed_by(tagger))
        with ScanWriter(database, [model]) as writer:
            for file in plan.broken:
                writer.add_problem(file, Failed(file.problem))
            loop = ScanLoop(database, [network], writer, (), summary, lambda summary: None)
            loop.run(plan.to_read(), jobs, stall_seconds)
        write_part(part, database, model)
    return summary

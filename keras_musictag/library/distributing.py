"""`distribute`: the scan of a list of files on many machines, by Ray Data.

Only paths travel to the workers, and only counts travel back: each worker is an actor that reads the files from a
folder which all machines share, with its own decoding processes and a bounded queue, and writes a part (`part_files`)
there. A part is the unit of work. If a worker dies, Ray repeats its part on another; if everything dies, the same call
resumes with the parts that are missing.
"""

import hashlib
import json
import logging
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path

from keras_musictag import architectures
from keras_musictag.errors import MusicTagError, quantity
from keras_musictag.files import locked, write_json
from keras_musictag.library.database import Database
from keras_musictag.library.decoding_workers import Failed
from keras_musictag.library.music_files import found_file
from keras_musictag.library.network_batches import NetworkBatches
from keras_musictag.library.part_files import import_pyarrow, write_part
from keras_musictag.library.scan_loop import Network, ScanLoop, ScanSummary
from keras_musictag.library.scan_models import ModelChoice, choose_model
from keras_musictag.library.scan_plan import ScanPlan
from keras_musictag.library.scan_writer import ScanWriter
from keras_musictag.library.scanning import STALL_SECONDS, store_model
from keras_musictag.runtimes.engine_tagger import EngineTagger
from keras_musictag.tagger.tagging import Tagging
from keras_musictag.zoo.catalog import entries
from keras_musictag.zoo.resolving import DEFAULT

JOB_FILE = "job.json"
PART_FILES = 200  # files in a part: some minutes of work, which is what the death of a worker costs
CORES = 2  # of a worker
OBJECT_STORE_BYTES = 100_000_000  # of a local Ray: paths and counts are small


@dataclass
class DistributeSummary:
    """What `distribute` has done, while it runs and at the end.

    Attributes:
        parts: All parts of the list.
        earlier: Parts that an earlier call has written.
        written: Parts that this call has written.
        tagged: Files in them that were tagged.
        problems: Files in them that could not be used.
        seconds: Duration of the audio that was tagged, in seconds.

    Example:
        >>> DistributeSummary(parts=9, earlier=6, written=3).tagged
        0
    """

    parts: int = 0
    earlier: int = 0
    written: int = 0
    tagged: int = 0
    problems: int = 0
    seconds: float = 0.0


def distribute(
    manifest: str | PathLike,
    out: str | PathLike,
    model: str | PathLike = "musicnn",
    weights: str | PathLike = DEFAULT,
    engine: str | None = None,
    precision: str | None = None,
    cores: int = CORES,
    part_files: int = PART_FILES,
    address: str | None = None,
    stall_seconds: float = STALL_SECONDS,
    report: Callable[[DistributeSummary], None] | None = None,
) -> DistributeSummary:
    """Tags a list of files on the machines of a Ray cluster. Call it again to resume.

    This package, the files and `out` must be on every machine, under the same paths. `import_parts` takes the result
    into a database. The scores are those of `scan`.

    Args:
        manifest: A text file with one path per line, or with paths that end with a NUL byte, as `find -print0` writes
            them. Relative paths begin at the folder of the manifest.
        out: The folder for the parts.
        model: As for `load`.
        weights: As for `load`.
        engine: "onnx", "litert" or "openvino"; None for Keras.
        precision: As for `load`.
        cores: Number of cores of a worker. Each machine runs as many workers as its cores allow.
        part_files: Number of files in a part.
        address: Of the cluster, as for `ray.init`; "local" for a new one on this machine; None for the one that the
            variable RAY_ADDRESS names or that runs on this machine, or else a new one.
        stall_seconds: A decoder that makes no progress for so long, in seconds, is ended.
        report: Called after each part with the summary so far. What it raises ends the work; finished parts are kept.

    Returns:
        A `DistributeSummary`.

    Raises:
        FileNotFoundError: If there is no manifest.
        MusicTagError: If `out` has parts of another list or model, a machine does not have the files or `out`, another
            process writes to `out`, or Ray is not installed or fails.
        ValueError: If the manifest is empty, or a number is not positive.
        The errors of `load`.

    Example, which needs Ray:
        distribute("files.list", "/mnt/parts", engine="onnx")
        import_parts(["/mnt/parts"], database)
    """
    for name, value in (("cores", cores), ("part_files", part_files), ("stall_seconds", stall_seconds)):
        if not value > 0:
            raise ValueError(f"`{name}` must be positive. Received: {value}.")
    import_pyarrow()
    ray = import_ray()
    weights = Path(weights).absolute() if Path(weights).is_file() else weights
    choice = choose_model(absolute_path(model), weights, engine, precision)
    paths, out = read_manifest(manifest), Path(out).absolute()
    starts = range(0, len(paths), part_files)
    parts = {f"part-{number:06d}.parquet": paths[start : start + part_files] for number, start in enumerate(starts)}
    with locked(out):
        start_job(out, paths, choice, part_files)
        waiting = {name: files for name, files in parts.items() if not (out / name).is_file()}
        summary = DistributeSummary(len(parts), len(parts) - len(waiting))
        if waiting:
            with cluster(ray, address):
                worker = {"choice": choice, "out": out, "cores": cores, "stall_seconds": stall_seconds}
                for scanned in scan_parts(ray, waiting, worker):
                    summary.written += 1
                    summary.tagged += scanned["tagged"]
                    summary.problems += scanned["problems"]
                    summary.seconds += scanned["seconds"]
                    if report is not None:
                        report(summary)
    return summary


def read_manifest(path: str | PathLike) -> list[str]:
    """Reads a list of paths; see `distribute`. Each path is returned once, absolute, and as by `os.fsdecode`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it has no paths.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "paths.txt").write_text("/music/a.mp3\\n/music/b.mp3\\n/music/a.mp3\\n")
        ...     read_manifest(f"{folder}/paths.txt")
        ['/music/a.mp3', '/music/b.mp3']
    """
    path = Path(path).absolute()
    if not path.is_file():
        raise FileNotFoundError(f"There is no list of files {str(path)!r}. Make one: find FOLDER -type f > LIST.")
    content = path.read_bytes()
    lines = content.split(b"\0") if b"\0" in content else [line.removesuffix(b"\r") for line in content.split(b"\n")]
    paths = dict.fromkeys(os.path.normpath(os.path.join(path.parent, os.fsdecode(line))) for line in lines if line)
    if not paths:
        raise ValueError(f"{str(path)!r} has no paths; expected one per line.")
    return list(paths)


def absolute_path(model: str | PathLike) -> str | PathLike:
    """A path that is valid in the working directory of a worker, too; the name of a model stays as it is."""
    is_name = model in (*architectures.names(), *entries())
    return model if is_name or not Path(model).exists() else Path(model).absolute()


def start_job(out: Path, paths: Sequence[str], choice: ModelChoice, part_files: int) -> None:
    """Writes what the parts in a folder are of, or checks that an earlier call wrote the same."""
    job = {
        "files_sha256": hashlib.sha256(b"\0".join(map(os.fsencode, paths))).hexdigest(),
        "model": choice.name,
        "weights_sha256": choice.weights_sha256,
        "engine": choice.engine,
        "precision": choice.precision,
        "part_files": part_files,
    }
    if not (out / JOB_FILE).is_file():
        write_json(out / JOB_FILE, job)
        return
    earlier = json.loads((out / JOB_FILE).read_text(encoding="utf-8"))
    if earlier != job:
        differs = ", ".join(name for name in job if earlier.get(name) != job[name])
        raise MusicTagError(
            f"{str(out)!r} has parts of another job, which differs in {differs}. Import them, and use another folder."
        )


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


class PartScanner:
    """A worker on any machine of the cluster: an actor of Ray. It loads the model once."""

    def __init__(self, choice: ModelChoice, out: Path, cores: int, stall_seconds: float):
        self._choice, self._out, self._cores, self._stall_seconds = choice, out, cores, stall_seconds

    def __call__(self, row: dict) -> dict:
        """Scans a part. An error is a value, because Ray would bury its sentence in pages of its own calls."""
        try:
            found = self._scan(self._out / row["part"], [os.fsdecode(path) for path in row["paths"]])
        except Exception as error:
            reason = str(error) if isinstance(error, MusicTagError) else f"{type(error).__name__}: {error}"
            return {"error": f"{row['part']} on {socket.gethostname()}: {reason}"}
        counts = {"tagged": found.tagged + found.known, "problems": found.problems, "seconds": found.seconds}
        return {"error": "", **counts}

    def _scan(self, part: Path, paths: Sequence[str]) -> ScanSummary:
        if not (self._out / JOB_FILE).is_file():
            raise MusicTagError(
                f"There is no folder {str(self._out)!r} on that machine. Use one that all of them share."
            )
        jobs = max(1, self._cores // 2)  # decoding takes less than half as long as a network
        return scan_part(paths, part, self._choice, self._tagger, jobs, self._stall_seconds)

    @cached_property
    def _tagger(self) -> Tagging:
        choice = self._choice
        if choose_model(choice.model, choice.weights, choice.engine, choice.precision) != choice:
            raise MusicTagError(f"The weights of {choice.name!r} on that machine are not those on yours.")
        tagger = choice.open()
        return EngineTagger(tagger.folder, threads=self._cores) if isinstance(tagger, EngineTagger) else tagger


def scan_parts(ray, parts: Mapping[str, Sequence[str]], worker: dict) -> Iterator[dict]:
    """Runs workers on the cluster, and yields what each part gave, as it is finished.

    Args:
        ray: The module.
        parts: Name of a part -> its paths.
        worker: The arguments of `PartScanner`.
    """
    from ray.data import ActorPoolStrategy, DataContext, from_items

    DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    cores = worker["cores"]
    rows = [{"part": name, "paths": [os.fsencode(path) for path in paths]} for name, paths in parts.items()]
    workers = sum(int(node["Resources"].get("CPU", 0)) // cores for node in ray.nodes() if node["Alive"])
    if not workers:
        raise MusicTagError(f"No machine of the cluster has {quantity(cores, 'core')}. Use fewer cores per worker.")
    pool = ActorPoolStrategy(min_size=min(workers, len(rows)), max_size=len(rows))
    scanned = from_items(rows, override_num_blocks=len(rows)).map(
        PartScanner, fn_constructor_kwargs=worker, compute=pool, num_cpus=cores
    )
    try:
        for found in scanned.iter_rows():
            if found["error"]:
                raise MusicTagError(f"{found['error']} Run the same again to resume.")
            yield found
    except ray.exceptions.RayError as error:
        raise MusicTagError(f"Ray has failed: {str(error).splitlines()[0]} Run the same again to resume.") from error


@contextmanager
def cluster(ray, address: str | None) -> Iterator[None]:
    """Connects to a cluster for a `with` block; one that the caller has connected to stays connected."""
    if ray.is_initialized():
        yield
        return
    options = {"log_to_driver": False, "logging_level": logging.WARNING}
    # a new one needs little memory for objects, because only paths and counts travel
    new = {"address": "local", "object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
    if address is None:
        try:
            ray.init("auto", **options)
        except ConnectionError:  # there is no cluster
            ray.init(**new, **options)
    else:
        ray.init(**(new if address == "local" else {"address": address}), **options)
    try:
        yield
    finally:
        ray.shutdown()


def import_ray():
    """Imports Ray.

    Raises:
        MusicTagError: If it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # by default, Ray reports to its makers
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MusicTagError(
            'Many machines need the package Ray, on each of them: pip install "keras-musictag[ray]".'
        ) from error
    return ray

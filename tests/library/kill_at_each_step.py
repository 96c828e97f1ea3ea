"""Kills a process that writes tags, and one that undoes, at each of their steps; checks what is left each time.

    python kill_at_each_step.py FOLDER_WITH_MUSIC

A step is an event that Python reports to audit hooks: opening, renaming, removing a file, changing its times, SQL.
Prints how many steps there were.
"""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from keras_musictag.library import Database, FileTags, list_runs, undo_run, write_tags

WANTED = FileTags(("Techno", "House"), ("Calm",))
STEPS = ("open", "os.", "shutil.", "sqlite3.")


def make_library(template: Path, folder: Path) -> list[Path]:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder / "music")
    paths = sorted((folder / "music").iterdir())
    with Database(folder / "library.db", create=True) as database:
        for path in paths:
            database.put_file(str(path), path.stat().st_size, path.stat().st_mtime_ns, problem="no scores")
    return paths


def write_all(folder: Path) -> None:
    with Database(folder / "library.db") as database, database.writing():
        paths = sorted(str(path) for path in (folder / "music").iterdir() if not path.name.startswith("."))
        for report in write_tags(database, [(path, WANTED) for path in paths], dry_run=False):
            assert report.problem is None or "since it was scanned" in report.problem, report


def undo_all(folder: Path) -> None:
    with Database(folder / "library.db") as database, database.writing():
        for run in reversed(list_runs(database.path)):
            for report in undo_run(run, database):
                assert report.problem is None, report


def check_database(folder: Path, paths: list[Path]) -> None:
    """A scan would have nothing to do."""
    with Database(folder / "library.db") as database:
        for path in paths:
            assert database.file_state(str(path)) == (path.stat().st_size, path.stat().st_mtime_ns), path


def killed(work: Callable[[], None], step: int) -> bool:
    """Does some work in a process that is killed at a step; False if it had fewer."""
    child = os.fork()
    if child == 0:
        left = step

        def count(event: str, _) -> None:
            nonlocal left
            if event.startswith(STEPS):
                left -= 1
                if left == -1:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status == 0 or os.WIFSIGNALED(status), status
    return status != 0


def main(template: Path, folder: Path) -> None:
    paths = make_library(template, folder)
    old = {path: path.read_bytes() for path in paths}
    write_all(folder)
    new = {path: path.read_bytes() for path in paths}
    assert all(old[path] != new[path] for path in paths)

    def check() -> None:
        for path in paths:
            assert path.read_bytes() in (old[path], new[path]), path
        left = {path for path in (folder / "music").iterdir()} - set(paths)
        assert all(path.name.startswith(".") and path.suffix == ".part" for path in left), left

    for name, work in (("write", write_all), ("undo", undo_all)):
        step = 0
        while True:
            make_library(template, folder)
            if work is undo_all:
                write_all(folder)
            if not killed(lambda: work(folder), step):  # noqa: B023
                break
            check()
            undo_all(folder)
            assert all(path.read_bytes() == old[path] for path in paths), step
            check_database(folder, paths)
            step += 1
        print(name, step)


if __name__ == "__main__":
    memory = Path("/dev/shm")  # where waiting for the disk takes no time
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        main(Path(sys.argv[1]), Path(folder) / "library")

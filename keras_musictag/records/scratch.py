"""Files that are there whole or not at all: written under a scratch name, brought to the disk, renamed."""

import csv
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from keras_musictag.records.schema import TEXT

ENDING = ".part"


@contextmanager
def synced_file(path: Path, folder: Path | None = None) -> Iterator[BinaryIO]:
    """An open file that becomes `path` when the block ends well; else nothing is left of it.

    Args:
        path: What to write.
        folder: Where the scratch file lies, on the same disk; None for beside `path`.

    Raises:
        OSError: Of the disk, naming `path`: it is full, a file may not be as large, it cannot be written.
    """
    scratch = (folder or path.parent) / f"{path.name}.{os.getpid()}{ENDING}"
    try:
        with open(scratch, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        scratch.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Writes plain data."""
    with synced_file(path) as file:
        file.write((json.dumps(content, indent=1) + "\n").encode())


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> None:
    """Writes rows below a header."""
    with synced_file(path) as file:
        lines = csv.DictWriter(_Lines(file), list(columns), lineterminator="\n")
        lines.writeheader()
        lines.writerows(rows)


class _Lines:
    """What `csv` writes to: text that becomes bytes."""

    def __init__(self, file: BinaryIO):
        self._file = file

    def write(self, text: str) -> None:
        self._file.write(text.encode(*TEXT))


def remove_scratch(folder: Path) -> None:
    """Removes what a killed process has left of `synced_file`."""
    for path in folder.glob(f"*{ENDING}"):
        path.unlink(missing_ok=True)

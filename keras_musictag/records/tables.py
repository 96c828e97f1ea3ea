"""The tables beside the shards: JSON and CSV files, whole or not at all."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from keras_musictag.files import synced_file
from keras_musictag.records.schema import TEXT

_LINE_END = "\r\n"  # with "\n" alone, `csv` leaves a name with "\r" in it without quotes, and cannot read it again


def write_json(path: Path, content: Any) -> None:
    """Writes plain data."""
    with synced_file(path) as file:
        file.write((json.dumps(content, indent=1) + "\n").encode())


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> None:
    """Writes rows below a header."""
    with synced_file(path) as file:
        lines = csv.DictWriter(_Lines(file), list(columns), lineterminator=_LINE_END)
        lines.writeheader()
        lines.writerows(rows)


class _Lines:
    """What `csv` writes to, a row at a time: text that becomes bytes, and a line that ends in a line feed."""

    def __init__(self, file: BinaryIO):
        self._file = file

    def write(self, text: str) -> None:
        self._file.write(text.removesuffix(_LINE_END).encode(*TEXT) + b"\n")

"""Tables as Markdown, HTML and CSV; and the tables of scores that others published.

`published.json` has the published scores, which are shown next to measured ones, never mixed with them.
"""

import csv
import html
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

import numpy as np

from keras_musictag.errors import printable
from keras_musictag.evaluation.measuring import TITLES
from keras_musictag.files import write_csv

NO_VALUE = "-"
Row = TypeVar("Row")


@dataclass(frozen=True)
class Table:
    """A table of texts. The first column is aligned left, the others right.

    Attributes:
        title: Heading of the table.
        header: Names of the columns.
        rows: The rows, each as long as the header.
        notes: Sentences below the table.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def to_markdown(self) -> str:
        """Returns the table under a heading. Characters with a meaning in Markdown or HTML are escaped."""
        lines = [f"## {_markdown(self.title)}", ""]
        if self.rows:
            lines += [_markdown_row(self.header), _markdown_row(("---", *("---:" for _ in self.header[1:])), raw=True)]
            lines += [_markdown_row(row) for row in self.rows]
            lines.append("")
        lines += [f"- {_markdown(note)}" for note in self.notes]
        return "\n".join(lines).rstrip("\n") + "\n"

    def to_html(self) -> str:
        """Returns the table as a section; every text is escaped."""
        parts = [f"<section><h2>{_html(self.title)}</h2>"]
        if self.rows:
            head = "".join(f"<th>{_html(cell)}</th>" for cell in self.header)
            body = "\n".join("<tr>" + "".join(f"<td>{_html(c)}</td>" for c in row) + "</tr>" for row in self.rows)
            parts.append(
                f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'
            )
        if self.notes:
            parts.append("<ul>" + "".join(f"<li>{_html(note)}</li>" for note in self.notes) + "</ul>")
        return "\n".join([*parts, "</section>"])


def _html(text: str) -> str:
    return html.escape(printable(text))


def _markdown(text: str) -> str:
    text = printable(text)
    for sign in "\\`*_|[]<>&#$~":
        text = text.replace(sign, f"\\{sign}")
    return text


def heading(text: str) -> str:
    """Returns the first heading of a Markdown text, and an empty line."""
    return f"# {_markdown(text)}\n"


def _markdown_row(cells, raw: bool = False) -> str:
    return "| " + " | ".join(cell if raw else _markdown(cell) for cell in cells) + " |"


def number(value: float, digits: int = 4) -> str:
    """Formats a value for the cell of a table.

    Example:
        >>> number(0.5), number(float("nan"))
        ('0.5000', '-')
    """
    return NO_VALUE if np.isnan(value) else f"{value:.{digits}f}"


def with_interval(numbers: np.ndarray) -> str:
    """Formats value, low and high for the cell of a table.

    Example:
        >>> with_interval(np.array([0.5, 0.41, 0.6]))
        '0.5000 (0.4100 to 0.6000)'
    """
    value, low, high = numbers
    return number(value) if np.isnan([value, low]).any() else f"{number(value)} ({number(low)} to {number(high)})"


def write_numbers(path: Path, header: Sequence[str], rows: Iterable[Iterable]) -> None:
    """Writes a CSV file in full precision; an empty cell means "no value"."""
    write_csv(path, header, ([_cell(cell) for cell in row] for row in rows))


def _cell(cell) -> str:
    if isinstance(cell, (float, np.floating)):
        return "" if np.isnan(cell) else repr(float(cell))
    return printable(str(cell))


def read_numbers(path: Path, kind: type[Row]) -> list[Row]:
    """Reads a CSV file that `write_numbers` wrote.

    Args:
        path: The file.
        kind: A dataclass of texts and numbers, with one field for each column that is wanted.

    Returns:
        One instance per row; NaN means "no value".

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is damaged or a column is missing.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file, strict=True)
            return [
                kind(**{column.name: _read_cell(row[column.name], column.type) for column in fields(kind)})
                for row in rows
            ]
    except (csv.Error, KeyError, ValueError) as error:
        raise ValueError(
            f"{str(path)!r} is damaged or incomplete ({error}). Run the command that wrote it again."
        ) from error


def _read_cell(text: str | None, kind: type) -> str | int | float:
    if text is None:
        raise ValueError("a row is too short")
    return float("nan") if kind is float and not text else kind(text)


PUBLISHED_FILE = Path(__file__).with_name("published.json")
NOT_COMPARABLE = (
    "Reported elsewhere, not measured here: with other training, and not always with the same tracks, chunks and "
    "decoding. No intervals are known."
)


def published_datasets() -> list[str]:
    """Returns the ids of the datasets of which there are published tables.

    Example:
        >>> published_datasets()
        ['mtat', 'msd', 'mtg-jamendo']
    """
    content = json.loads(PUBLISHED_FILE.read_text(encoding="utf-8"))
    return list(dict.fromkeys(table["dataset"] for table in content["tables"]))


def published_tables(dataset: str) -> list[Table]:
    """Returns the published tables of a dataset.

    Args:
        dataset: Its id. There are tables of "mtat", "msd" and "mtg-jamendo".

    Returns:
        Tables whose titles begin with "Reported elsewhere".

    Example:
        >>> [len(table.rows) for table in published_tables("mtat")], published_tables("gmtag")
        ([8, 12], [])
    """
    content = json.loads(PUBLISHED_FILE.read_text(encoding="utf-8"))
    return [
        _table(table, content["sources"][table["source"]]) for table in content["tables"] if table["dataset"] == dataset
    ]


def _table(table: dict, source: dict) -> Table:
    metrics = [name for name in TITLES if any(name in row for row in table["rows"])]
    return Table(
        title=f"Reported elsewhere: {table['title']}",
        header=("model", *(TITLES[name] for name in metrics)),
        rows=tuple((row["model"], *(_published_cell(row.get(name)) for name in metrics)) for row in table["rows"]),
        notes=(f"Source: {source['citation']}", NOT_COMPARABLE, *source["notes"], *table.get("notes", ())),
    )


def _published_cell(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:.4f}"

"""Reads a CSV or TSV table of any spelling, and finds the files that its paths mean.

It handles encodings, separators between columns, quotes, what Excel and pandas add, and paths that were written on
another system or without a suffix.
"""

import codecs
import csv
import io
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from keras_musictag.datasets.folder import SUFFIXES
from keras_musictag.errors import DatasetError

RESERVED = ("path", "tags", "id", "track_id", "artist")  # columns that are recognised in any letter case
_DELIMITERS = ",\t;|"
# UTF-32 first: its mark begins with the one of UTF-16
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_OTHER_FORMATS = {
    b"PK\x03\x04": "a workbook (.xlsx, .ods) or a ZIP archive. Save the sheet as 'CSV UTF-8'",
    b"\xd0\xcf\x11\xe0": "a workbook (.xls). Save the sheet as 'CSV UTF-8'",
    b"PAR1": "a Parquet file. Write it with pandas: read_parquet(...).to_csv(..., index=False)",
    b"\x1f\x8b": "compressed with gzip. Unpack it",
}
_EXCEL_SEPARATOR = re.compile(r'"?sep=([^\w\s"]|\t)"?', re.IGNORECASE)
# what pandas reads as a missing value, in this spelling
_MISSING = frozenset(
    "#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a|nan|null".split("|")
)
_EXCEL_ERROR = re.compile(r"#(REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|SPILL!|CALC!|#+)")
_INTEGER = re.compile(r"-?\d+(\.0)?")
_PANDAS_NAME = re.compile(r"Unnamed: \d+(\.\d+)?")


def is_missing(cell: str) -> bool:
    """Whether a cell means a missing value, as pandas reads it."""
    return not cell or cell in _MISSING


@dataclass(frozen=True)
class Row:
    """A line of a table: its number in the file, from 1, and its cells by column, without spaces around them."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes:
        path: The file.
        columns: Their names, each once.
        rows: The lines that are not blank.
    """

    path: Path
    columns: list[str]
    rows: list[Row]

    def value(self, row: Row, column: str) -> str:
        """A cell; "" if it is empty or means a missing value, or the column does not exist.

        Raises:
            DatasetError: If it is an error that Excel wrote, or "####" from a column that was too narrow.
        """
        cell = row.cells.get(column, "")
        if cell[:1] == "#" and _EXCEL_ERROR.fullmatch(cell):
            raise DatasetError(
                f"{self.where(row, column)}: expected a value. Received: {cell!r}, which Excel writes for a formula "
                "that failed or a column that is too narrow. Format the column as text, and enter the cell again."
            )
        return "" if is_missing(cell) else cell

    def where(self, row: Row, column: str) -> str:
        """The start of a message about a cell."""
        return f"{self.path}, line {row.line}, column {column!r}"


def read_table(path: Path, encoding: str | None = None) -> Table:
    """Reads a table that has a column `path`. Columns of `RESERVED` are returned in lower case.

    Args:
        path: The file.
        encoding: Encoding of a file that is not UTF-8; a byte order mark takes precedence.

    Raises:
        FileNotFoundError: If the file does not exist.
        DatasetError: If it is not a table with a header, or a line does not fit the header; the message names the line.
        ValueError: If the encoding does not exist.
    """
    text = _text(path, encoding)
    first = io.StringIO(text, newline="").readline()
    if stated := _EXCEL_SEPARATOR.fullmatch(first.rstrip("\r\n")):  # a line for Excel, such as `sep=;`
        text, delimiter, lines_above = text[len(first) :], stated[1], 1
    else:
        header = next((line for line in io.StringIO(text) if line.strip()), "")
        delimiter, lines_above = _delimiter(header.rstrip("\r\n")), 0
    lines = _lines(text, delimiter, lines_above, path)
    header = next(lines, (1, []))[1]
    _check_path_column(header, path)
    body = [(line, _fitted(cells, len(header), line, path)) for line, cells in lines]
    kept = _kept(header, body, path)
    columns = [header[i].lower() if header[i].lower() in RESERVED else header[i] for i in kept]
    _check_each_once(columns, path)
    if not body:
        raise DatasetError(f"{path} has a header but no tracks; expected one line per track.")
    rows = [Row(line, {name: cells[i] for name, i in zip(columns, kept, strict=True)}) for line, cells in body]
    return Table(path, columns, rows)


def _text(path: Path, encoding: str | None) -> str:
    try:
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise FileNotFoundError(f"There is no file {str(path)!r}; expected a CSV or TSV file of tracks.") from error
    found = next((what for mark, what in _OTHER_FORMATS.items() if content.startswith(mark)), None)
    if found is not None:
        raise DatasetError(f"{str(path)!r} is {found}, and pass that file.")
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    name = marked or encoding or "utf-8"
    if name == "utf-8" and b"\0" in content:
        guess = "utf-16-be" if content.startswith(b"\0") else "utf-16-le"
        raise DatasetError(
            f"{path}, line {content.count(10, 0, content.index(0)) + 1}: there is a NUL byte. If the file is UTF-16 "
            f"without a byte order mark, pass --encoding {guess} (`encoding={guess!r}`); otherwise it is damaged."
        )
    try:
        return content.decode(name)
    except LookupError as error:
        raise ValueError(f"`encoding` must be a text encoding such as cp1252. Received: {encoding!r}.") from error
    except UnicodeError as error:
        raise DatasetError(_not_decoded(path, content, name, error)) from error


def _not_decoded(path: Path, content: bytes, encoding: str, error: UnicodeError) -> str:
    if not isinstance(error, UnicodeDecodeError):
        return f"{path} cannot be read as {encoding}: {error}."
    line = content.count(b"\n", 0, error.start) + 1
    name = encoding.removesuffix("-sig").upper()
    return (
        f"{path}, line {line}: byte 0x{content[error.start]:02x} is not {name}. Save the file as UTF-8, or state "
        "its encoding: --encoding cp1252 (`encoding='cp1252'`) if Excel on Windows wrote it, latin-1 or mac-roman."
    )


def _delimiter(header: str) -> str:
    """The separator that yields a column `path`, and the most columns."""

    def quality(sign: str) -> tuple[bool, int]:
        names = next(csv.reader([header], delimiter=sign, skipinitialspace=True), [])
        return any(name.strip().lower() == "path" for name in names), len(names)

    try:
        return max(_DELIMITERS, key=quality)
    except csv.Error:  # reported by `_lines`
        return ","


def _lines(text: str, delimiter: str, lines_above: int, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every line that is not blank; the first number if a quoted cell spans several lines."""
    line = lines_above + 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if any(cells):
                yield line, cells
            line = reader.line_num + lines_above + 1
    except csv.Error as error:
        raise DatasetError(f"{path}, line {line}: {error}. Is there a quote missing, or one too many?") from error


def _fitted(cells: list[str], columns: int, line: int, path: Path) -> list[str]:
    """The cells of a line without the empty ones that a spreadsheet appends."""
    while len(cells) > columns and not cells[-1]:
        cells = cells[:-1]
    if len(cells) == columns:
        return cells
    if len(cells) > columns:
        advice = "Put quotes around a cell that contains the separator of the columns."
    else:
        advice = "If Excel left out empty cells, move a column that is never empty, such as path, to the end."
    raise DatasetError(
        f"{path}, line {line}: expected {columns} columns as in the header. Received: {len(cells)}. {advice}"
    )


def _kept(header: list[str], body: list[tuple[int, list[str]]], path: Path) -> list[int]:
    """Positions of the columns that have a name; the unnamed ones that pandas and Excel write are left out.

    Raises:
        DatasetError: If a column without a name is neither empty nor an index that pandas wrote.
    """
    kept = []
    for index, name in enumerate(header):
        if name and not _PANDAS_NAME.fullmatch(name):
            kept.append(index)
            continue
        filled = [(line, cells[index]) for line, cells in body if cells[index]]
        numbered = (name or not kept) and all(_INTEGER.fullmatch(cell) for _, cell in filled)
        if filled and not (
            numbered and (len(filled) < 3 or len({cell for _, cell in filled}) > 2)
        ):  # not a column of 0 and 1
            line, cell = filled[0]
            raise DatasetError(
                f"{path}, line 1: column {index + 1} has no name, but line {line} has {cell!r:.80} in it. Did pandas "
                "write its index? Pass index=False, or name the column 'id'. If it is a tag, name it."
            )
    return kept


def _check_path_column(header: list[str], path: Path) -> None:
    if any(name.lower() == "path" for name in header):
        return
    words = ("path", "file", "audio", "fname", "track", "song")
    guess = next((name for word in words for name in header if word in name.lower()), None)
    raise DatasetError(
        f"{path}, line 1: there is no column 'path'. Received: {', '.join(map(repr, header[:10])) or 'nothing'}. "
        + (f"If {guess!r} holds the files, rename it to 'path'." if guess else "Expected a header such as path,tags.")
    )


def _check_each_once(columns: list[str], path: Path) -> None:
    for index, name in enumerate(columns):
        if columns.index(name) != index:
            raise DatasetError(f"{path}, line 1: column {name!r} occurs twice; expected once.")


def find_paths(paths: Sequence[str], audio: Path) -> list[str]:
    """Resolves each path: unchanged if it is a file, else the only file that it can mean, else unchanged.

    It understands backslashes for slashes and Excel's leading apostrophe and, in the file's name, another letter case,
    decomposed accents as on macOS, and a missing suffix.

    Args:
        paths: The paths as they are in the table.
        audio: The folder that they are relative to.
    """
    names_in = cache(_names)  # for this call only, as files may change later
    return [path if _is_file(audio / path) else _find(path, audio, names_in) for path in paths]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # for example, the name is too long
        return False


def _find(path: str, audio: Path, names_in: Callable[[Path], dict[str, list[str]]]) -> str:
    for spelled in map(Path, dict.fromkeys((path, path.replace("\\", "/"), path.removeprefix("'")))):
        names, key = names_in(audio / spelled.parent), _key(spelled.name)
        if not names:
            continue
        found = names.get(key) or [name for suffix in SUFFIXES for name in names.get(key + suffix, [])]
        if len(found) == 1 and spelled.name:
            return str(spelled.with_name(found[0]))
    return path


def _names(folder: Path) -> dict[str, list[str]]:
    """The names of a folder's files, by the spelling of `_key`."""
    names: dict[str, list[str]] = {}
    try:
        entries = list(os.scandir(folder))
    except (OSError, ValueError):  # not a folder, not readable, or an impossible name
        return names
    for entry in entries:
        if entry.is_file():
            names.setdefault(_key(entry.name), []).append(entry.name)
    return names


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()

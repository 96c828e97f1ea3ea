"""A table of tracks, CSV or TSV: a column `path`, and either a column `tags` or one column a tag with 0 and 1.

`part`, `artist` and `id` (or `track_id`) are optional. Beside `tags`, other columns are not looked at; without `tags`,
every other column is a tag.
"""

import csv
import io
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_musictag.datasets._split import FRACTIONS, PART_OF_NAME, divide
from keras_musictag.errors import DatasetError, printable
from keras_musictag.records.manifest import Manifest, Track
from keras_musictag.tags.vocabulary import Vocabulary

RESERVED = ("path", "tags", "id", "track_id", "part", "artist")
_DELIMITERS = ",\t;"
_CELLS = {"": False, "0": False, "1": True, "0.0": False, "1.0": True}  # pandas writes 1.0 where a cell is missing


@dataclass(frozen=True)
class _Row:
    """A line of the table: its number in the file, from 1, and its cells by column."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def manifest(
    raw_csv: Path,
    separator: str = ";",
    seed: int = 0,
    fractions: Sequence[float] = FRACTIONS,
    audio: Path | None = None,
) -> Manifest:
    """Reads a table of tracks; UTF-8, with quotes as in RFC 4180.

    Args:
        raw_csv: The file. A name in .tsv or .tab has tabs between columns; else the header line shows what it has.
        separator: What stands between two tags in the column `tags`.
        seed: Of the division into parts, where the file has no `part`.
        fractions: Shares of train, valid and test, where the file has no `part`.
        audio: What paths are relative to; None is the folder of the file.

    Returns:
        A `Manifest`. Tags stand in the order of their columns, or sorted where they come from `tags`.

    Raises:
        FileNotFoundError: If there is no such file.
        DatasetError: If the table cannot be read as described; the message names line and column.
        ValueError: If the separator is empty or the fractions do not add up to 1.
    """
    raw_csv = Path(raw_csv)
    if not separator:
        raise ValueError("`separator` must be what stands between two tags, such as ';'. Received: an empty string.")
    columns, rows = _read(raw_csv)
    names, tags_of_row = _tags(columns, rows, separator, raw_csv)
    _check_each_once(rows, "path", raw_csv)
    id_column = next((column for column in ("id", "track_id") if column in columns), "path")
    _check_each_once(rows, id_column, raw_csv)
    stated = any(row["part"] for row in rows)
    parts = [_part(row, raw_csv) for row in rows] if stated else divide([_group(row) for row in rows], seed, fractions)
    return Manifest(
        dataset="csv",
        dataset_version="local",
        split="as stated" if stated else f"seed {seed}, fractions {' '.join(f'{f:g}' for f in fractions)}",
        vocabulary=Vocabulary(tuple(names)),
        audio_folder=raw_csv.parent if audio is None else Path(audio),
        tracks=tuple(
            Track(row[id_column], row["path"], tags, part)
            for row, tags, part in zip(rows, tags_of_row, parts, strict=True)
        ),
        licence="Not stated: that of the files.",
        citation="None.",
    )


def _read(path: Path) -> tuple[list[str], list[_Row]]:
    """The columns and rows; `path` and the id are there in every row."""
    text = _text(path)
    records = _records(text, _delimiter(path, io.StringIO(text, newline="").readline().rstrip("\r\n")), path)
    header = next(records, (1, []))[1]
    columns = _columns(header, path)
    rows = []
    for line, cells in records:
        if len(cells) != len(columns):
            raise DatasetError(
                f"{path}, line {line}: expected {len(columns)} columns as in the header. Received: {len(cells)}. "
                "Put quotes around a field that holds the sign between columns."
            )
        rows.append(_Row(line, dict(zip(columns, (cell.strip() for cell in cells), strict=True))))
    if not rows:
        raise DatasetError(f"{path} has a header but no track; expected a line for each.")
    return columns, rows


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return content.decode("utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise FileNotFoundError(f"There is no file {str(path)!r}; expected a CSV or TSV file of tracks.") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8. Was the file saved as Latin-1, "
            "Windows-1252 or UTF-16? Save it as UTF-8."
        ) from error


def _delimiter(path: Path, header: str) -> str:
    """The tab of a .tsv, else the sign that splits the header into most columns."""
    if path.suffix.lower() in (".tsv", ".tab"):
        return "\t"
    unquoted = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=unquoted.count)


def _records(text: str, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every line that is not blank. A quoted field may hold line breaks."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise DatasetError(f"{path}, line {reader.line_num}: {error}. Is a quote missing or too many?") from error


def _columns(header: list[str], path: Path) -> list[str]:
    """The names of the columns; reserved ones in small letters."""
    stripped = [name.strip() for name in header]
    columns = [name.lower() if name.lower() in RESERVED else name for name in stripped]
    for number, name in enumerate(columns, start=1):
        if not name:
            raise DatasetError(
                f"{path}, line 1: column {number} has no name. Did pandas write its index? "
                "Pass index=False, or name it 'id'."
            )
        if columns.index(name) != number - 1:
            raise DatasetError(f"{path}, line 1: column {name!r} stands twice; expected once.")
    if "path" not in columns:
        raise DatasetError(
            f"{path}, line 1: there is no column 'path'. Received: {', '.join(columns) or 'nothing'}. "
            "Expected a header such as path,tags or path,rock,piano."
        )
    return columns


def _tags(columns: list[str], rows: list[_Row], separator: str, path: Path) -> tuple[list[str], list[tuple[str, ...]]]:
    """The vocabulary, and the tags of each row in its order."""
    if "tags" in columns:
        found = [{tag.strip() for tag in row["tags"].split(separator)} - {""} for row in rows]
        names = sorted(set().union(*found))
    else:
        names = [column for column in columns if column not in RESERVED]
        found = [{name for name in names if _applies(row, name, path)} for row in rows]
    unusual = next((name for name in names if printable(name) != name), None)
    if unusual is not None:
        raise DatasetError(f"{path}: the tag {unusual!r:.80} has signs that cannot be shown. Write it without them.")
    if not any(found):
        raise DatasetError(
            f"{path}: no track has a tag. Expected a column 'tags' ({f'rock{separator}piano'!r}), or a column for each "
            "tag with 0 and 1."
        )
    if all(len(tags) == len(names) for tags in found):
        raise DatasetError(
            f"{path}: every track has every tag ({', '.join(names[:5])}), so there is nothing to learn. "
            "Add tracks without."
        )
    return names, [tuple(name for name in names if name in tags) for tags in found]


def _applies(row: _Row, name: str, path: Path) -> bool:
    try:
        return _CELLS[row[name]]
    except KeyError:
        raise DatasetError(
            f"{path}, line {row.line}, column {name!r}: expected 0, 1 or nothing. Received: {row[name]!r}. "
            f"Without a column 'tags', every column beside {', '.join(RESERVED)} is a tag: leave out what is none."
        ) from None


def _check_each_once(rows: list[_Row], column: str, path: Path) -> None:
    lines: dict[str, int] = {}
    for row in rows:
        if not row[column]:
            raise DatasetError(f"{path}, line {row.line}, column {column!r}: expected a value. Received: nothing.")
        value = posixpath.normpath(row[column]) if column == "path" else row[column]
        if value in lines:
            raise DatasetError(
                f"{path}, line {row.line}, column {column!r}: {row[column]!r} stands in line {lines[value]} already; "
                "expected each once. Put all tags of a track in one line."
            )
        lines[value] = row.line


def _part(row: _Row, path: Path) -> str:
    try:
        return PART_OF_NAME[row["part"].lower()]
    except KeyError:
        received = repr(row["part"]) if row["part"] else "nothing, though other lines state theirs"
        raise DatasetError(
            f"{path}, line {row.line}, column 'part': expected train, valid or test. Received: {received}."
        ) from None


def _group(row: _Row) -> str:
    return f"artist {row['artist']}" if row["artist"] else f"track {row['path']}"

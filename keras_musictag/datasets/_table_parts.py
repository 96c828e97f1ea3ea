"""The parts that a table states: in a column that is named or filled like a split, or as folds."""

import re
from collections.abc import Collection

from keras_musictag.datasets._split import PART_OF_NAME, unclear_part
from keras_musictag.datasets._table import RESERVED, Row, Table, is_missing
from keras_musictag.datasets._table_tags import yes_or_no
from keras_musictag.errors import DatasetError

NO_COLUMN = "none"  # value of `part_column`: draw the parts
_WORDS = frozenset(("split", "splits", "fold", "folds", "partition", "partitions"))  # also in cv_fold, split0
_NAMES = frozenset(("part", "parts", "set", "subset", *PART_OF_NAME))
_ADVICE = (
    "Write train, valid and test; or name the values with --test-fold and --valid-fold (`test_folds`, "
    "`valid_folds`), so that the rest is train; or pass --part-column none (`part_column='none'`) to draw the parts."
)
_ADVICE_FOR_TAG = " If the column is a tag, pass --part-column with the column that states the parts, or none."


def split_columns(table: Table) -> list[str]:
    """The columns that look like a split, by their name in any letter case or by their values."""
    return [
        column
        for column in table.columns
        if column not in RESERVED and (_is_split_name(column) or _holds_parts(table, column))
    ]


def columns_without_tags(table: Table, part_column: str | None) -> set[str]:
    """The columns that state parts or look as if they did, and so are not tags in a table with one column per tag.

    Once the user has named the column that states the parts, another one called `train` or `set` that holds zeros and
    ones is a tag.

    Raises:
        DatasetError: If it is not the only such column of zeros and ones: then it might state a part as well.
    """
    columns = set(split_columns(table))
    if part_column is None or "tags" in table.columns:
        return columns
    chosen = {column for column in table.columns if column.lower() == part_column.lower()}
    of_bits = [name for name in table.columns if name in columns | chosen and _has_bits(table, name)]
    tags = [name for name in of_bits if name.lower() in _NAMES and name not in chosen]
    if tags and len(of_bits) > 1:
        raise DatasetError(
            f"{table.path}: the columns {' and '.join(map(repr, of_bits[:5]))} look like parts, but {tags[0]!r} may be "
            f"a tag. If it is one, rename it, for example to {tags[0] + ' tag'!r}; if not, delete it."
        )
    return columns.difference(tags) | chosen


def _has_bits(table: Table, column: str) -> bool:
    """Whether a column holds only zeros and ones, however they are written."""
    cells = [row.cells[column] for row in table.rows]
    return any(cells) and all(yes_or_no(cell) is not None for cell in cells)


def _is_split_name(column: str) -> bool:
    """Whether a column states the parts by its name, such as data_split, is_test or trainSet."""
    for words in (re.findall("[a-z]+", column.lower()), re.findall("[A-Z]?[a-z]+", column)):
        names = {word.lower() for word in words} - {"is", "in"}
        if names & _WORDS or (names and names <= _NAMES):
            return True
    return False


def _holds_parts(table: Table, column: str) -> bool:
    """Whether a column holds two or more of the words for parts, and nothing else."""
    words = set()
    for row in table.rows:
        cell = row.cells[column].lower()
        if cell in PART_OF_NAME:
            words.add(cell)
        elif not is_missing(row.cells[column]):
            return False
    return len(words) > 1


def read_parts(
    table: Table, part_column: str | None, test_folds: Collection[str], valid_folds: Collection[str]
) -> tuple[list[str] | None, str]:
    """The part of each row, and how the parts are stated; None if they must be drawn.

    Args:
        table: The table.
        part_column: The column that states the parts; None finds it, "none" means that they are not stated.
        test_folds: Values that mean test, if the column holds folds.
        valid_folds: Values that mean valid; all others mean train.

    Raises:
        DatasetError: If a column looks like a split and cannot be understood; the message names column, value and
            option.
    """
    if isinstance(test_folds, str) or isinstance(valid_folds, str):
        raise ValueError(f"Folds must be lists, such as ['5']. Received: {test_folds!r} and {valid_folds!r}.")
    column = _column(table, part_column)
    folds = {_fold(value): "test" for value in test_folds}
    if both := folds.keys() & {_fold(value) for value in valid_folds}:
        raise ValueError(f"`test_folds` and `valid_folds` must differ. Received in both: {', '.join(sorted(both))}.")
    folds |= {_fold(value): "valid" for value in valid_folds}
    if column is None:
        if folds:
            raise DatasetError(
                f"{table.path} has no column of folds. Received: {', '.join(table.columns[:20])}. Name the column with "
                "--part-column (`part_column`)."
            )
        return None, ""
    cells = [_stated(table, row, column) for row in table.rows]
    if not folds:
        return _understood(table, column, cells), f"column {column!r}"
    values = sorted({_fold(cell) for cell in cells}, key=lambda value: (len(value), value))
    if unknown := folds.keys() - set(values):
        raise DatasetError(
            f"{table.path}, column {column!r}: there is no fold {min(unknown)!r}. Known: {', '.join(values[:20])}."
        )
    stated = [", ".join(f"{part} {fold}" for fold, own in folds.items() if own == part) for part in ("test", "valid")]
    return [folds.get(_fold(cell), "train") for cell in cells], ", ".join(filter(None, (f"column {column!r}", *stated)))


def _column(table: Table, part_column: str | None) -> str | None:
    """The column that states the parts, unless it is completely empty."""
    if part_column is not None and part_column.lower() == NO_COLUMN:
        return None
    if part_column is not None:
        found = [column for column in table.columns if column.lower() == part_column.lower()]
        if not found:
            raise DatasetError(
                f"{table.path} has no column {part_column!r}, which --part-column (`part_column`) names. Received: "
                f"{', '.join(table.columns[:20])}."
            )
        return found[0]
    found = [column for column in split_columns(table) if any(table.value(row, column) for row in table.rows)]
    if len(found) > 1:
        raise DatasetError(
            f"{table.path}: the columns {' and '.join(map(repr, found[:5]))} look like splits. Choose the one that "
            f"states the parts: --part-column {found[0]} (`part_column={found[0]!r}`), or none."
        )
    return found[0] if found else None


def _stated(table: Table, row: Row, column: str) -> str:
    cell = table.value(row, column).removeprefix("'")  # Excel's mark for text
    if not cell:
        raise DatasetError(
            f"{table.where(row, column)}: expected a part. Received: nothing, although other lines state theirs. "
            "Fill the cell, or delete the line; if the column states no parts, pass --part-column none "
            "(`part_column='none'`)."
        )
    return cell


def _understood(table: Table, column: str, cells: list[str]) -> list[str]:
    """The parts that the cells name, if they are unambiguous."""
    lines: dict[str, Row] = {}
    for row, cell in zip(table.rows, cells, strict=True):
        if cell.lower() not in PART_OF_NAME:
            may_be_tag = "tags" not in table.columns and column.lower() in _NAMES and _has_bits(table, column)
            is_tag = _ADVICE_FOR_TAG if may_be_tag else ""
            raise DatasetError(
                f"{table.where(row, column)}: expected a part. Received: {cell!r:.80}. {_ADVICE}{is_tag}"
            )
        lines.setdefault(cell.lower(), row)
    if unclear := unclear_part(lines):
        word, why = unclear
        row = lines[word]
        raise DatasetError(
            f"{table.where(row, column)}: it is not clear which part {row.cells[column]!r} means in a column {why}. "
            f"{_ADVICE}"
        )
    return [PART_OF_NAME[cell.lower()] for cell in cells]


def _fold(value: str) -> str:
    """One spelling for a fold: 1, 1.0 and 1,0 are the same."""
    number = re.fullmatch(r"(-?\d+)[.,]0+", str(value).strip())
    return number[1] if number else str(value).strip().lower()

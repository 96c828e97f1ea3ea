"""The tags of a table: all in one column, however they are separated, or one column per tag."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache

from keras_musictag.datasets._table import Row, Table, is_missing
from keras_musictag.errors import DatasetError, printable

_SEPARATORS = (";", "|", ",", "\n")  # found without an option
_YES = frozenset(("1", "true", "t", "yes", "y", "x"))
_NO = frozenset(("0", "false", "f", "no", "n", ""))
_BRACKETS = ("[]", "()", "{}")
# [np.str_('a')] is what NumPy 2 writes, [u'a'] what Python 2 did
_ITEM = re.compile(
    r"""(?:u|np\.str_\()?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|nan|NaN|None|null|<NA>)\)?\s*,?\s*""", re.DOTALL
)
_SET = re.compile(r"\A(?:frozen)?set\(([\[{].*[\]}])?\)\Z", re.DOTALL)
# 1-2 and Jan 80 as Excel writes them, and a date as pandas does
_MONTH = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DATE = re.compile(rf"\d{{1,2}}-{_MONTH}|{_MONTH}-\d{{2}}|\d{{4}}-\d\d-\d\d 00:00:00", re.IGNORECASE)


def read_tags(table: Table, separator: str | None, others: set[str]) -> tuple[list[str], list[tuple[str, ...]]]:
    """The vocabulary, and the tags of each row in its order.

    Args:
        table: With a column `tags`, or with a column per tag.
        separator: Separator between tags in the column `tags`; None finds it.
        others: Columns that are not tags.

    Raises:
        DatasetError: If the tags cannot be understood, or nothing can be learned from them.
    """
    if "tags" in table.columns:
        found = _of_cells(table, separator)
        names = sorted(set().union(*found))
    else:
        names = [column for column in table.columns if column not in others]
        found = [{name for name in names if _applies(table, row, name)} for row in table.rows]
    _check_names(names, table)
    if not any(found):
        raise DatasetError(
            f"{table.path}: no track has a tag. Expected a column 'tags' (such as 'rock;piano'), or one column per "
            "tag with 0 and 1."
        )
    if all(len(tags) == len(names) for tags in found):
        raise DatasetError(
            f"{table.path}: every track has every tag ({', '.join(names[:5])}), so there is nothing to learn. "
            "Add tracks without some of the tags."
        )
    return names, [tuple(name for name in names if name in tags) for tags in found]


def _of_cells(table: Table, separator: str | None) -> list[set[str]]:
    """The tags in each cell of the column `tags`."""
    cells = [_SET.sub(r"\1", table.value(row, "tags")) for row in table.rows]
    lists = _lists(cells, table)
    if separator is None:
        separator = _find_separator(table, ["" if items else cell for cell, items in zip(cells, lists, strict=True)])
    split = [_split(cell, separator) if items is None else items for cell, items in zip(cells, lists, strict=True)]
    return [{tag.strip() for tag in tags if not is_missing(tag.strip())} for tags in split]


def _split(cell: str, separator: str) -> list[str]:
    """The tags of a cell; in a quoted tag, a separator is part of the tag."""
    if '"' not in cell:
        return cell.split(separator)
    return [tag if quoted is None else quoted for quoted, tag, _ in _items(cell, re.escape(separator))]


def _items(cell: str, separators: str) -> Iterator[tuple[str | None, str | None, str]]:
    """Yields (quoted tag, plain tag, separator after it) for each tag; one of the first two is None."""
    pattern = re.compile(rf'(?:\s*"([^"]*)"\s*|(.*?))({separators}|\Z)', re.DOTALL)
    return (match.groups() for match in pattern.finditer(cell))


def _lists(cells: list[str], table: Table) -> list[list[str] | None]:
    """The items of each cell that is a list; in a column of lists, [live] is also one."""
    lists = [_list(cell, table, row) for cell, row in zip(cells, table.rows, strict=True)]
    opening = {cell[0] for cell, items in zip(cells, lists, strict=True) if items}
    return [
        [cell[1:-1]] if items is None and cell[:1] in opening and _is_flat(cell) else items
        for cell, items in zip(cells, lists, strict=True)
    ]


def _is_flat(cell: str) -> bool:
    return cell[:1] + cell[-1:] in _BRACKETS and not set(cell[1:-1]) & set("[](){}")


def _list(cell: str, table: Table, row: Row) -> list[str] | None:
    """The items of a list as Python, pandas, NumPy or JSON writes it; None if the cell is no list, such as [live]."""
    closed = cell[:1] + cell[-1:] in _BRACKETS
    inner = cell[1:-1].strip()
    if closed and (items := _quoted_items(inner)) is not None:
        return items
    if re.match(r"[\[({]\s*['\"\[({]", cell) or (closed and "," in inner and set(inner) & set("'\"")):
        raise DatasetError(
            f"{table.where(row, 'tags')}: expected tags, or a list of them such as ['rock', 'pop']. Received: "
            f"{cell if len(cell) < 80 else cell[:77] + '...'}. Is the list whole, and flat?"
        )
    return inner.split(",") if "," in inner and _is_flat(cell) else None


def _quoted_items(inner: str) -> list[str] | None:
    """The strings between brackets, with commas as in Python or without as in NumPy; None if there is anything else."""
    items, position = [], 0
    while position < len(inner):
        match = _ITEM.match(inner, position)
        if match is None:
            return None
        if match[1][0] in "'\"":
            items.append(_unquoted(match[1]))
        position = match.end()
    return items


@cache  # the same tags occur many times
def _unquoted(item: str) -> str:
    try:
        return json.loads(item, strict=False) if item[0] == '"' else ast.literal_eval(item)
    except (ValueError, SyntaxError):
        return item[1:-1]


def _find_separator(table: Table, cells: list[str]) -> str:
    """The separator between tags: the only one of the usual ones that occurs."""
    lines = {}
    for row, cell in zip(table.rows, cells, strict=True):
        if '"' in cell:  # separators in quotes do not count
            cell = "".join(separator for _, _, separator in _items(cell, f"[{''.join(_SEPARATORS)}]"))
        for sign in _SEPARATORS:
            if sign in cell:
                lines.setdefault(sign, row.line)
    if len(lines) > 1:
        seen = " and ".join(f"{sign!r} in line {line}" for sign, line in lines.items())
        sign = min(lines, key=_SEPARATORS.index)  # not a line break, which is hard to type
        raise DatasetError(
            f"{table.path}, column 'tags': there are {seen}, and either may separate two tags. Choose one: "
            f"--separator {sign!r} (`separator={sign!r}`)."
        )
    return next(iter(lines), ";")


def _applies(table: Table, row: Row, name: str) -> bool:
    """Whether a cell in a tag's column means 1 and not 0, however they are written."""
    cell = row.cells[name]
    if cell in ("0", "1", ""):  # nearly all cells, and a large table has millions
        return cell == "1"
    cell = table.value(row, name)
    answer = yes_or_no(cell)
    if answer is None:
        advice = f"If {name!r} holds tags, rename the column to 'tags'; if not, delete it"
        raise DatasetError(
            f"{table.where(row, name)}: expected 0 or 1, false or true, no or yes, or x or nothing. Received: "
            f"{cell!r:.80}. Without a column 'tags', every other column is a tag. {advice}."
        )
    return answer


def yes_or_no(cell: str) -> bool | None:
    """Whether a cell means 1 or 0; None if it means neither. A cell without a value is 0."""
    word = "" if is_missing(cell) else cell.removeprefix("'").lower()  # Excel's mark for text
    if word in _YES or word in _NO:
        return word in _YES
    try:
        number = float(word.replace(",", "."))  # 1,0 has a decimal comma
    except ValueError:
        return None
    return number == 1 if number in (0, 1) else None


def _check_names(names: list[str], table: Table) -> None:
    for name in names:
        if printable(name) != name:
            raise DatasetError(
                f"{table.path}: the tag {name!r:.80} has characters that cannot be displayed. Write it without them."
            )
        if _DATE.fullmatch(name):
            raise DatasetError(
                f"{table.path}: the tag {name!r} looks like a date that Excel made from another text, such as 1-2. "
                "Format the column as text, and enter the tag again."
            )

"""The tags of a table: separators and lists in one column, and columns of yes and no."""

import json

import numpy as np
import pytest

from keras_musictag.datasets._table import read_table
from keras_musictag.datasets._table_tags import read_tags
from keras_musictag.errors import DatasetError


@pytest.fixture
def tags_of(table):
    """The tags in the given cells of the column `tags`."""

    def read(*cells, separator=None):
        quoted = "".join(f'{i},"{cell.replace(chr(34), chr(34) * 2)}"\n' for i, cell in enumerate(cells))
        found = read_table(table(f"path,tags\n{quoted}x,\n"))
        return [set(tags) for tags in read_tags(found, separator, {"path"})[1][:-1]]

    return read


ITEMS = ["rock 'n' roll", 'say "hi"', "drum, bass", "poésie", "a|b;c", "back\\slash"]


@pytest.mark.parametrize(
    "cell",
    [
        str(ITEMS),
        str(tuple(ITEMS)),
        repr(np.array(ITEMS, object)).removeprefix("array(").partition(", dtype")[0],
        str(np.array(ITEMS)),
        str(np.array(ITEMS * 10)),  # broken into lines
        json.dumps(ITEMS),
        json.dumps(ITEMS, ensure_ascii=False, separators=(",", ":")),
        f"frozenset({{{str(ITEMS)[1:-1]}}})",
        str([np.str_(item) for item in ITEMS]),
        "[" + ", ".join(f"u{item!r}" for item in ITEMS) + "]",
    ],
    ids="list tuple array NumPy long-NumPy JSON short-JSON frozenset NumPy-2 Python-2".split(),
)
def test_lists_that_programs_write_are_read(tags_of, cell):
    assert tags_of(cell, "[]", "pop") == [set(ITEMS), set(), {"pop"}]


def test_sets_empty_lists_and_missing_items_are_read(tags_of):
    cells = ["{'a', 'b'}", "set()", "()", "['a', nan, None]", "[nan]", "[a, deep house]"]
    assert tags_of(*cells) == [{"a", "b"}, set(), set(), {"a"}, set(), {"a", "deep house"}]


@pytest.mark.parametrize(
    "cell", ["['a' ... 'b']", "[{'id': 1, 'name': 'x'}]", "['a', 'b'", "[['a'], ['b']]", "['a', 1]", "[1, 'a']"]
)
def test_a_nested_or_shortened_list_is_an_error(tags_of, cell):
    with pytest.raises(DatasetError, match="line 2, column 'tags': expected tags, or a list.*Received: .*flat"):
        tags_of(cell)


def test_a_long_invalid_list_is_refused_quickly(tags_of):
    with pytest.raises(DatasetError, match="expected tags, or a list"):
        tags_of("[" + "'a' " * 20_000 + "1]")


def test_tags_in_brackets_are_tags(tags_of):
    assert tags_of("[live]", "(live)", "[live];[acoustic]") == [{"[live]"}, {"(live)"}, {"[live]", "[acoustic]"}]
    assert tags_of("Offset();x", "frozenset()") == [{"Offset()", "x"}, set()]


def test_one_item_in_brackets_is_a_list_among_lists(tags_of):
    assert tags_of("[live]", "[rock, deep house]", "(live)") == [{"live"}, {"rock", "deep house"}, {"(live)"}]
    assert tags_of("{live}", "{'a', 'b'}", "[u'c']", "[np.str_('d')]") == [{"live"}, {"a", "b"}, {"c"}, {"d"}]


def test_a_separator_in_a_quoted_tag_is_part_of_it(tags_of):
    cells = ('"Folk, World"; rock', 'pop;"drum;bass"', '"Heroes"', '12" mix;7" mix')
    assert tags_of(*cells) == [{"Folk, World", "rock"}, {"pop", "drum;bass"}, {"Heroes"}, {'12" mix', '7" mix'}]
    assert tags_of('"drum, bass", rock', '"a|b"') == [{"drum, bass", "rock"}, {"a|b"}]
    assert tags_of('"AC/DC" / rock', "pop, loud", separator="/") == [{"AC/DC", "rock"}, {"pop, loud"}]


@pytest.mark.parametrize("sign", [";", "|", ",", "\n", " ; ", ", ", ",\t"])
def test_the_usual_separators_are_found(tags_of, sign):
    assert tags_of(f"r&b/soul{sign}deep house", "pop") == [{"r&b/soul", "deep house"}, {"pop"}]


def test_two_separators_need_the_option(tags_of):
    cells = ("rock;pop", "Folk, World, & Country")
    with pytest.raises(
        DatasetError, match=r"column 'tags': there are ';' in line 2 and ',' in line 3.*--separator ';'"
    ):
        tags_of(*cells)
    with pytest.raises(DatasetError, match=r"there are '\\n' in line 2 and '\|' in line 4.*--separator '\|'"):
        tags_of("rock\npop", "a|b")
    assert tags_of(*cells, separator=";") == [{"rock", "pop"}, {"Folk, World, & Country"}]


def test_a_list_has_its_own_separator(tags_of):
    assert tags_of("['a, b', 'c|d']", "e;f") == [{"a, b", "c|d"}, {"e", "f"}]
    assert tags_of("['a', 'b']", separator=";") == [{"a", "b"}]


@pytest.mark.parametrize("tag", ["2-Jan", "Jan-80", "1980-01-01 00:00:00"])
def test_a_tag_that_excel_turned_into_a_date_is_refused(tags_of, tag):
    with pytest.raises(DatasetError, match=f"the tag '{tag}' looks like a date that Excel"):
        tags_of(f"rock;{tag}")


YES = ["1", "1.0", "1,0", "'1", "TRUE", "true", "t", "Yes", "y", "X", "x"]
NO = ["", "0", "0.0", "0,00", "-0", "False", "f", "no", "N", "NaN", "#N/A", "None"]


def test_yes_and_no_are_read_in_every_spelling(table):
    lines = "".join(f'{i};"{cell}";{i % 2}\n' for i, cell in enumerate(YES + NO))
    names, found = read_tags(read_table(table(f"path;rock;pop\n{lines}")), None, {"path"})
    assert names == ["rock", "pop"]
    assert ["rock" in tags for tags in found] == [True] * len(YES) + [False] * len(NO)


@pytest.mark.parametrize("cell", ["0,5", "2", "-1", "inf", "rock", "10"])
def test_a_cell_that_is_neither_yes_nor_no_is_an_error(table, cell):
    found = read_table(table(f"path;rock\na;1\nb;{cell}\n"))
    with pytest.raises(DatasetError, match=f"line 3, column 'rock': expected 0 or 1.*Received: '{cell}'"):
        read_tags(found, None, {"path"})

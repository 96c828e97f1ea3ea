import csv
from dataclasses import dataclass

import numpy as np
import pytest

from keras_musictag.evaluation.tables import Table, number, read_numbers, with_interval, write_numbers


def test_markdown_is_a_table_with_its_notes():
    table = Table("Scores_1", ("model", "AP"), (("a|b", "0.5"), ("<i>", "-")), ("A note.",))
    assert table.to_markdown() == (
        "## Scores\\_1\n\n| model | AP |\n| --- | ---: |\n| a\\|b | 0.5 |\n| \\<i\\> | - |\n\n- A note.\n"
    )


def test_html_escapes_every_text():
    html = Table("<t>", ("<h>",), (('<c> & "d"',),), ("<n>",)).to_html()
    for text in ("&lt;t&gt;", "&lt;h&gt;", "&lt;c&gt; &amp; &quot;d&quot;", "&lt;n&gt;"):
        assert text in html
    assert "<t>" not in html and "<h>" not in html and "<n>" not in html


def test_a_missing_value_is_a_dash():
    assert number(np.nan) == "-"
    assert with_interval(np.array([np.nan, np.nan, np.nan])) == "-"
    assert with_interval(np.array([0.25, np.nan, np.nan])) == "0.2500"


def test_csv_keeps_every_digit_and_leaves_missing_values_empty(tmp_path):
    write_numbers(tmp_path / "a.csv", ["a", "b", "c"], [[1 / 3, np.float64("nan"), 'x,"y"\n']])
    with open(tmp_path / "a.csv", newline="") as file:
        _, row = csv.reader(file)
    assert float(row[0]) == 1 / 3
    assert row[1:] == ["", 'x,"y"\\n']


@dataclass(frozen=True)
class Row:
    name: str
    value: float
    tracks: int


def test_numbers_that_were_written_can_be_read(tmp_path):
    header, path = ["name", "other", "tracks", "value"], tmp_path / "a.csv"
    write_numbers(path, header, [["a,b", 1, 7, 1 / 3], ["", 2, 8, np.nan]])
    first, second = read_numbers(path, Row)
    assert first == Row("a,b", 1 / 3, 7)
    assert (second.name, second.tracks) == ("", 8) and np.isnan(second.value)


@pytest.mark.parametrize(
    "text",
    ["name,value\na,1\n", "name,value,tracks\na,1\n", "name,value,tracks\na,x,1\n", 'name,value,tracks\n"a', "\udcff"],
)
def test_a_damaged_csv_is_named(tmp_path, text):
    (tmp_path / "a.csv").write_text(text, errors="surrogateescape")
    with pytest.raises(ValueError, match=r"a\.csv' is damaged or incomplete"):
        read_numbers(tmp_path / "a.csv", Row)

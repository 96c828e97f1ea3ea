"""Reading tables: encodings, separators between columns, and what spreadsheets and pandas add."""

import codecs

import pytest

from keras_musictag.datasets._table import read_table
from keras_musictag.errors import DatasetError

PLAIN = "path,tags\ncafé.mp3,rock\nb.mp3,\n"
ROWS = [{"path": "café.mp3", "tags": "rock"}, {"path": "b.mp3", "tags": ""}]


def read(path, encoding=None):
    return read_table(path, encoding)


def rows(table):
    return [row.cells for row in table.rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_gives_the_encoding(table, encoding):
    assert rows(read(table(PLAIN.encode(encoding)))) == ROWS
    assert rows(read(table(PLAIN.encode("utf-8-sig")), "cp1252")) == ROWS


def test_a_utf_16_mark_of_the_other_byte_order_is_read(table):
    assert rows(read(table(codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be")))) == ROWS


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "mac-roman", "utf-16-le", "utf-16-be"])
def test_without_a_mark_the_error_names_the_option(table, encoding):
    path = table(PLAIN.encode(encoding))
    named = encoding if encoding.startswith("utf") else "cp1252"
    with pytest.raises(DatasetError, match=f"line [12]: .*--encoding {named}"):
        read(path)
    assert rows(read(path, encoding)) == ROWS


def test_an_unknown_or_wrong_encoding_is_an_error(table):
    for name in ("cp12521", "rot13"):
        with pytest.raises(ValueError, match=f"`encoding`.*Received: '{name}'"):
            read(table(PLAIN), name)
    with pytest.raises(DatasetError, match="line 2: byte 0xc3 is not ASCII"):
        read(table(PLAIN), "ascii")


def test_nul_bytes_are_an_error_with_their_line(table):
    with pytest.raises(DatasetError, match="line 3: there is a NUL byte.*damaged"):
        read(table(PLAIN.replace("b.mp3", "b\0.mp3")))


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_the_header_shows_the_separator(table, sign, name):
    other = "a,b;c|d\te".replace(sign, "_")
    assert read(table(f"path{sign}{other}\nx.mp3{sign}1\n", name)).columns == ["path", other]


@pytest.mark.parametrize("line", ["sep=;\r\n", "SEP=;\n", '"sep=;"\r\n'])
def test_the_line_for_excel_gives_the_separator(table, line):
    found = read(table(f"{line}path;tags\r\na.wav;low, loud\r\nb.wav;high\r\n"))
    assert rows(found) == [{"path": "a.wav", "tags": "low, loud"}, {"path": "b.wav", "tags": "high"}]
    assert [row.line for row in found.rows] == [3, 4]


def test_spaces_and_blank_lines_are_ignored(table):
    found = read(table('\n \n"path"; "tags"\na.wav; "low; ""deep"""\n'))
    assert rows(found) == [{"path": "a.wav", "tags": 'low; "deep"'}] and found.rows[0].line == 4


def test_empty_columns_and_lines_of_spreadsheets_are_left_out(table):
    content = "path,tags,,\ncafé.mp3,rock,,\n,,,\nb.mp3,,,,,\n,,,\n"
    assert rows(read(table(content))) == ROWS


@pytest.mark.parametrize("numbers", [(0, 1), (3, 17), ("3.0", 0)])
@pytest.mark.parametrize("name", ["", "Unnamed: 0", "Unnamed: 0.1"])
def test_the_index_that_pandas_writes_is_left_out(table, name, numbers):
    lines = zip((name, *numbers), PLAIN.splitlines(), strict=True)
    assert rows(read(table("".join(f"{number},{line}\n" for number, line in lines)))) == ROWS


def test_an_old_pandas_index_is_left_out_anywhere(table):
    assert rows(read(table("path,Unnamed: 0,tags,Unnamed: 3\ncaf\u00e9.mp3,0,rock,\nb.mp3,7,,\n"))) == ROWS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<table>\n<tr><td>a, b</td></tr>\n", "line 1: there is no column 'path'. Received: '<table>'"),
        ("path,tags,\na,rock,pop\nb,,\n", "column 3 has no name, but line 2 has 'pop' in it"),
        (",path,tags\nt1,a,rock\nt2,b,\n", "column 1 has no name.*name the column 'id'"),
        (",path\n1,a\n0,b\n1,c\n", "column 1 has no name.*If it is a tag, name it"),
        ("path,tags,artist\na,x,Ann\nb,y\n", "line 3: expected 3 columns.*Received: 2.*path, to the end"),
        ("sep=;\npath;tags\na;x;y\n", "line 3: expected 2 columns.*Received: 3"),
        ('"path,tags"\n"a,x"\n', "there is no column 'path'. Received: 'path,tags'"),
    ],
)
def test_a_line_or_column_that_does_not_fit_is_an_error(table, content, message):
    with pytest.raises(DatasetError, match=message):
        read(table(content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04rest", "a workbook .*Save the sheet as 'CSV UTF-8', and pass that file"),
        (b"\xd0\xcf\x11\xe0rest", r"a workbook \(.xls\). Save the sheet"),
        (b"PAR1rest", "a Parquet file.*to_csv"),
        (b"\x1f\x8brest", "compressed with gzip. Unpack it"),
    ],
)
def test_other_formats_are_named_with_any_suffix(table, content, message):
    with pytest.raises(DatasetError, match=message):
        read(table(content))


@pytest.mark.parametrize("cell", ["#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "########"])
def test_excel_errors_are_refused_where_they_matter(table, cell):
    found = read(table(f"path,tags,other\na,{cell},#REF!\n"))
    with pytest.raises(DatasetError, match="line 2, column 'tags'.*Received: '#"):
        found.value(found.rows[0], "tags")


@pytest.mark.parametrize("cell", ["", "#N/A", "NaN", "nan", "NULL", "None", "<NA>", "NA"])
def test_missing_values_of_pandas_are_empty(table, cell):
    found = read(table(f"path,tags\na,{cell}\n"))
    assert found.value(found.rows[0], "tags") == ""

"""A table of tracks, CSV or TSV: a column `path`, and either a column `tags` or one column per tag with 0 and 1.

A column that states the parts, `artist` and `id` (or `track_id`) are optional. If there is a column `tags`, other
columns are ignored; without it, every other column is a tag.
"""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from keras_musictag.choices import FRACTIONS
from keras_musictag.datasets._split import divide
from keras_musictag.datasets._table import RESERVED, Row, Table, find_paths, read_table
from keras_musictag.datasets._table_parts import columns_without_tags, read_parts
from keras_musictag.datasets._table_tags import read_tags
from keras_musictag.errors import DatasetError
from keras_musictag.records.manifest import Manifest, Track
from keras_musictag.tags.vocabulary import Vocabulary


def manifest(
    raw_csv: Path,
    separator: str | None = None,
    seed: int = 0,
    fractions: Sequence[float] = FRACTIONS,
    audio: Path | None = None,
    *,
    encoding: str | None = None,
    part_column: str | None = None,
    test_folds: Collection[str] = (),
    valid_folds: Collection[str] = (),
) -> Manifest:
    """Reads a table of tracks, with quotes as in RFC 4180; docs/datasets/csv.md says which spellings it understands.

    Args:
        raw_csv: The file. The separator between columns is found from the header.
        separator: Separator between tags in the column `tags`; None finds ; | , or a line break. Lists need none.
        seed: Random seed for the split, if the file does not state it.
        fractions: Shares of train, valid and test, if the file does not state them.
        audio: The folder that paths are relative to; None is the folder of the file.
        encoding: Encoding of the file; None is UTF-8. A byte order mark takes precedence.
        part_column: The column that states the parts; None finds one that is named or filled like a split, "none"
            draws the parts whatever the columns say.
        test_folds: If that column holds folds, the values that mean test.
        valid_folds: The values that mean valid; all others mean train.

    Returns:
        A `Manifest`. Tags are in the order of their columns, or sorted if they come from `tags`.

    Raises:
        FileNotFoundError: If the file does not exist.
        DatasetError: If the table cannot be understood; the message names line and column, and the option that helps.
        ValueError: If the separator is empty, the encoding does not exist, or the fractions do not add up to 1.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     table = Path(folder, "tracks.csv")
        ...     lines = "path,tags,split", "a.mp3,rock|loud,Train", "b.mp3,rock,dev", "c.mp3,,test"
        ...     _ = table.write_text("\\n".join(lines))
        ...     found = manifest(table)
        >>> found.vocabulary.names, found.split, found.counts
        (('loud', 'rock'), "column 'split'", {'train': 1, 'valid': 1, 'test': 1})
    """
    raw_csv = Path(raw_csv)
    if separator == "":
        raise ValueError("`separator` must be the text between two tags, such as ';'. Received: an empty string.")
    audio = raw_csv.parent if audio is None else Path(audio)
    table = read_table(raw_csv, encoding)
    parts, split = read_parts(table, part_column, test_folds, valid_folds)
    names, tags_of_row = read_tags(table, separator, {*RESERVED, *columns_without_tags(table, part_column)})
    id_column = next((column for column in ("id", "track_id") if column in table.columns), "path")
    ids = _filled(table, id_column)
    paths = find_paths(_filled(table, "path"), audio)
    _check_each_once(table, "path", [os.path.normpath(audio / path) for path in paths])
    _check_each_once(table, id_column, ids)
    if parts is None:
        parts = divide([_group(table, row) for row in table.rows], seed, fractions)
        split = f"seed {seed}, fractions {' '.join(f'{f:g}' for f in fractions)}"
    return Manifest(
        dataset="csv",
        dataset_version="local",
        split=split,
        vocabulary=Vocabulary(tuple(names)),
        audio_folder=audio,
        tracks=tuple(map(Track, ids, paths, tags_of_row, parts)),
        licence="Not stated: that of the files.",
        citation="None.",
    )


def _filled(table: Table, column: str) -> list[str]:
    """The cells of a column that must have a value in every row."""
    for row in table.rows:
        if not row.cells[column]:
            raise DatasetError(f"{table.where(row, column)}: expected a value. Received: nothing.")
    return [row.cells[column] for row in table.rows]


def _check_each_once(table: Table, column: str, values: list[str]) -> None:
    lines: dict[str, int] = {}
    for row, value in zip(table.rows, values, strict=True):
        if value in lines:
            raise DatasetError(
                f"{table.where(row, column)}: {row.cells[column]!r} is already in line {lines[value]}; expected each "
                "once. Put all tags of a track in one line, and each track in one part."
            )
        lines[value] = row.line


def _group(table: Table, row: Row) -> str:
    artist = table.value(row, "artist")
    return f"artist {artist}" if artist else f"track {row.cells['path']}"

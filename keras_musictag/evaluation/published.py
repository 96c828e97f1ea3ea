"""Scores that others reported, as they stand in `published.json`: shown beside measured ones, never among them."""

import json
from pathlib import Path

from keras_musictag.evaluation.measure import TITLES
from keras_musictag.evaluation.tables import NO_VALUE, Table

FILE = Path(__file__).with_name("published.json")
NOT_COMPARABLE = (
    "Reported elsewhere, not measured here: other training, and not always the same tracks, chunks and decoding. "
    "No interval is known."
)


def published_tables(dataset: str) -> list[Table]:
    """The tables that are known of a dataset.

    Args:
        dataset: Its id: "mtat", "msd" or "mtg-jamendo"; of any other there is none.

    Returns:
        Tables whose titles begin with "Reported elsewhere".

    Example:
        >>> [len(table.rows) for table in published_tables("mtat")], published_tables("gmtag")
        ([8, 12], [])
    """
    content = json.loads(FILE.read_text(encoding="utf-8"))
    return [
        _table(table, content["sources"][table["source"]]) for table in content["tables"] if table["dataset"] == dataset
    ]


def _table(table: dict, source: dict) -> Table:
    metrics = [name for name in TITLES if any(name in row for row in table["rows"])]
    return Table(
        title=f"Reported elsewhere: {table['title']}",
        header=("model", *(TITLES[name] for name in metrics)),
        rows=tuple((row["model"], *(_cell(row.get(name)) for name in metrics)) for row in table["rows"]),
        notes=(f"Source: {source['citation']}", NOT_COMPARABLE, *source["notes"], *table.get("notes", ())),
    )


def _cell(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:.4f}"

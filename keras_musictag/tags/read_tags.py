"""A dataset's `tags.txt`: a line a tag, its name and its group with a tab between, in the order of the outputs."""

from os import PathLike
from pathlib import Path

from keras_musictag.tags.vocabulary import Vocabulary


def read_tags(path: str | PathLike) -> Vocabulary:
    """Reads a `tags.txt`.

    Raises:
        ValueError: If a line is not a name, a tab and a group, a tag stands twice, or there is none.

    Example:
        >>> from keras_musictag.data import bundled
        >>> read_tags(bundled("tfrecords") / "mtat" / "tags.txt").group("rhythm")
        ('slow', 'fast', 'beat', 'beats')
    """
    rows = [line.split("\t") for line in Path(path).read_text(encoding="utf-8-sig").splitlines()]
    for number, row in enumerate(rows, start=1):
        if len(row) != 2 or not all(row):
            raise ValueError(f"{path}, line {number}: expected `tag<TAB>group`. Received: {row}.")
    if not rows:
        raise ValueError(f"{path} names no tag.")
    return Vocabulary(tuple(row[0] for row in rows), tuple(row[1] for row in rows))

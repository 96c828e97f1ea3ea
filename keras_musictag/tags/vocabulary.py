"""The tags of a model, in the order of its outputs, each in a group.

The `tags.txt` of a dataset lists them in this order: one line per tag, with its name, a tab and its group.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from keras_musictag.errors import UnknownNameError

UNGROUPED = "other"


@dataclass(frozen=True, repr=False)
class Vocabulary(Sequence):
    """An ordered list of tags. Tag `i` is output `i` of the model, so the order is part of the weights.

    Args:
        names: The tags, each once.
        groups: The group of each tag, such as "genre", "mood" or "instrument", as many as `names`; by default, "other".

    Raises:
        ValueError: If a tag occurs twice or is empty, or the two lengths differ.

    Example:
        >>> vocabulary = Vocabulary(("rock", "piano"), ("genre", "instrument"))
        >>> vocabulary.index("piano"), vocabulary.group("genre"), "jazz" in vocabulary
        (1, ('rock',), False)
    """

    names: tuple[str, ...]
    groups: tuple[str, ...] = ()

    def __post_init__(self):
        if isinstance(self.names, str):
            raise ValueError(f"`names` must be a list of tags. Received the single string {self.names!r}.")
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "groups", tuple(self.groups) or (UNGROUPED,) * len(self.names))
        if len(self.groups) != len(self.names):
            raise ValueError(
                f"`groups` must have one entry for each of the {len(self.names)} tags. Received: {len(self.groups)}."
            )
        if any(not isinstance(name, str) or not name for name in self.names):
            raise ValueError(f"Every tag must be a string that is not empty. Received: {list(self.names)}.")
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"A tag may occur only once. Received more than once: {', '.join(twice)}.")

    @classmethod
    def of(cls, tags: "Vocabulary | Iterable[str] | Iterable[Mapping[str, str]]") -> "Vocabulary":
        """Makes a vocabulary from a list of names, from the rows of `to_list()`, or from a vocabulary."""
        if isinstance(tags, cls):
            return tags
        if isinstance(tags, str):
            raise ValueError(f"`tags` must be a list of names. Received the single string {tags!r}: pass [{tags!r}].")
        if not isinstance(tags, Iterable):
            raise ValueError(f"`tags` must be a list of names. Received: {tags!r}.")
        rows = [tag if isinstance(tag, Mapping) else {"name": tag} for tag in tags]
        return cls(tuple(r["name"] for r in rows), tuple(r.get("group", UNGROUPED) for r in rows))

    def to_list(self) -> list[dict[str, str]]:
        """Returns the same as plain data, one row per tag: `[{"name": "rock", "group": "genre"}, ...]`."""
        return [{"name": n, "group": g} for n, g in zip(self.names, self.groups, strict=True)]

    def group(self, name: str) -> tuple[str, ...]:
        """Returns the tags of one group, in the order of the vocabulary."""
        if name not in self.groups:
            raise UnknownNameError.of("tag group", name, sorted(set(self.groups)))
        return tuple(n for n, g in zip(self.names, self.groups, strict=True) if g == name)

    def index(self, name: str) -> int:
        """Returns the index of the output for a tag; raises UnknownNameError if the tag is not in the list."""
        if name not in self.names:
            raise UnknownNameError.of("tag", name, self.names)
        return self.names.index(name)

    def __getitem__(self, item):
        return self.names[item]

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __repr__(self) -> str:
        shown = ", ".join(self.names[:5]) + (", ..." if len(self) > 5 else "")
        return f"Vocabulary({len(self)} tags: {shown})"


def read_tags(path: str | PathLike) -> Vocabulary:
    """Reads a `tags.txt`.

    Raises:
        ValueError: If a line is not a name, a tab and a group, a tag occurs twice, or there are no tags.

    Example:
        >>> from keras_musictag.bundled_files import bundled
        >>> read_tags(bundled("tfrecords") / "mtat" / "tags.txt").group("rhythm")
        ('slow', 'fast', 'beat', 'beats')
    """
    rows = [line.split("\t") for line in Path(path).read_text(encoding="utf-8-sig").splitlines()]
    for number, row in enumerate(rows, start=1):
        if len(row) != 2 or not all(row):
            raise ValueError(f"{path}, line {number}: expected `tag<TAB>group`. Received: {row}.")
    if not rows:
        raise ValueError(f"{path} is empty; expected one line `tag<TAB>group` per tag.")
    return Vocabulary(tuple(row[0] for row in rows), tuple(row[1] for row in rows))

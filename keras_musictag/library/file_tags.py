"""What is to be written into a music file by the rules, and what that changes in the fields that the file has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

Fields = dict[str, tuple[str, ...]]
# The fields of a file, as the writer names them. A score is a field of its own: "KMT:techno".
GENRE, MOOD, SCORE_PREFIX = "genre", "mood", "KMT:"
_IN_KEYS = "".join(map(chr, range(0x20, 0x7E))).translate({ord(c): None for c in "=%"})  # of Vorbis comments and APEv2


@dataclass(frozen=True)
class FileTags:
    """Tags for one file.

    Attributes:
        genres: Names as a person would write them, such as "Drum & Bass", most certain first.
        moods: Likewise, such as "Calm".
        scores: A score from 0 to 1 for each tag of the model's vocabulary; empty if no scores are to be written.

    Example:
        >>> FileTags(genres=("Techno",)).moods
        ()
    """

    genres: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)

    def fields(self) -> dict[str, tuple[str, ...]]:
        """The values of each field of a file. Letters that a key cannot have are escaped as in addresses.

        Example:
            >>> FileTags(("Techno",), scores={"техно": 0.5}).fields()
            {'genre': ('Techno',), 'mood': (), 'KMT:%D1%82%D0%B5%D1%85%D0%BD%D0%BE': ('0.500',)}
        """
        scores = {SCORE_PREFIX + _as_key(tag): (f"{score:.3f}",) for tag, score in self.scores.items()}
        return {GENRE: tuple(self.genres), MOOD: tuple(self.moods), **scores}


def _as_key(tag: str) -> str:
    return quote(tag, safe=_IN_KEYS).replace("~", "%7E")  # `quote` never escapes it


def changed_fields(stored: Fields, wanted: Fields, mode: str) -> Fields:
    """The fields that change, with their new values.

    Nothing is removed because there is nothing to write in its place: a field without wanted values stays as it is.
    Scores are ours, so they are replaced in every mode, and scores of tags that are no longer wanted are removed.

    Args:
        stored: What the file has.
        wanted: What is to be written.
        mode: One of `choices.WRITE_MODES`: "add" keeps all stored values and adds those that are missing, "fill"
            writes only fields that are empty, "replace" replaces the stored values.

    Example:
        >>> changed_fields({"genre": ("rock",)}, {"genre": ("Rock", "Punk"), "mood": ()}, "add")
        {'genre': ('rock', 'Punk')}
    """
    new = {field: _merged(field, stored.get(field, ()), values, mode) for field, values in wanted.items() if values}
    if any(field.startswith(SCORE_PREFIX) for field in new):
        new |= {field: () for field in stored if field.startswith(SCORE_PREFIX) and field not in new}
    return {field: values for field, values in new.items() if values != stored.get(field, ())}


def _merged(field: str, stored: tuple[str, ...], wanted: tuple[str, ...], mode: str) -> tuple[str, ...]:
    if field.startswith(SCORE_PREFIX):
        return wanted
    if mode == "fill" and stored:
        return stored
    merged = list(stored) if mode == "add" else []
    seen = {value.strip().casefold() for value in merged}
    for value in wanted:
        if value.strip().casefold() not in seen:
            merged.append(value)
            seen.add(value.strip().casefold())
    return tuple(merged)


@dataclass(frozen=True)
class ValueChange:
    """A value of a field that is added or removed.

    Attributes:
        field: "genre", "mood", or a score such as "KMT:techno".
        value: The value.
        is_added: Whether it is added, not removed.
    """

    field: str
    value: str
    is_added: bool


def value_changes(stored: Fields, changed: Fields) -> tuple[ValueChange, ...]:
    """The difference, value by value: first what is removed from a field, then what is added to it."""
    found = []
    for name, values in changed.items():
        before = stored.get(name, ())
        found += [ValueChange(name, value, False) for value in before if value not in values]
        found += [ValueChange(name, value, True) for value in values if value not in before]
    return tuple(found)

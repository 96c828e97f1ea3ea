"""What writing changes in the fields of a file: adding to what a person wrote, filling what is empty, or replacing."""

from dataclasses import dataclass

from keras_musictag.library.file_tags import SCORE_PREFIX

Fields = dict[str, tuple[str, ...]]


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
    for field, values in changed.items():
        before = stored.get(field, ())
        found += [ValueChange(field, value, False) for value in before if value not in values]
        found += [ValueChange(field, value, True) for value in values if value not in before]
    return tuple(found)

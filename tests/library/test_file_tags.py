"""What each mode changes, worked out by hand."""

import pytest

from keras_musictag.library import ValueChange
from keras_musictag.library.file_tags import changed_fields, value_changes

STORED = {"genre": ("rock ", "Pop"), "mood": (), "KMT:rock": ("0.900",), "KMT:old": ("0.100",)}
WANTED = {"genre": ("Rock", "Punk", "punk"), "mood": ("Calm",)}


@pytest.mark.parametrize(
    "mode, expected",
    [
        ("add", {"genre": ("rock ", "Pop", "Punk"), "mood": ("Calm",)}),
        ("fill", {"mood": ("Calm",)}),
        ("replace", {"genre": ("Rock", "Punk"), "mood": ("Calm",)}),
    ],
)
def test_modes(mode, expected):
    assert changed_fields(STORED, WANTED, mode) == expected
    assert changed_fields({**STORED, **expected}, WANTED, mode) == {}
    assert changed_fields(STORED, {"genre": (), "mood": ()}, mode) == {}


def test_scores_are_replaced_as_a_whole():
    wanted = {"KMT:rock": ("0.900",), "KMT:new": ("0.500",)}
    assert changed_fields(STORED, wanted, "fill") == {"KMT:new": ("0.500",), "KMT:old": ()}
    assert changed_fields(STORED, WANTED, "replace").keys() == {"genre", "mood"}


def test_changes_value_by_value():
    assert value_changes(STORED, {"genre": ("Pop", "Punk"), "KMT:old": ()}) == (
        ValueChange("genre", "rock ", False),
        ValueChange("genre", "Punk", True),
        ValueChange("KMT:old", "0.100", False),
    )

"""A sidecar has the values of each file, whatever its name is, in valid UTF-8."""

import csv
import json
import os

import pytest

from keras_musictag.library import FileTags, write_sidecar

NAME = os.fsdecode(b'/music/a,\n"\xff.mp3')
ADDRESS = "file:///music/a%2C%0A%22%FF.mp3"
WANTED = [(NAME, FileTags(("Techno", "R&B, Soul"), ("Calm",), {"techno": 0.91251})), ("/music/b.mp3", FileTags())]


def test_json(tmp_path):
    assert write_sidecar(tmp_path / "tags.JSON", WANTED) == 1
    content = json.loads((tmp_path / "tags.JSON").read_text())
    assert content == {ADDRESS: {"genre": ["Techno", "R&B, Soul"], "mood": ["Calm"], "scores": {"techno": 0.91251}}}


def test_csv_has_a_row_per_value(tmp_path):
    assert write_sidecar(tmp_path / "tags.csv", WANTED) == 1
    with open(tmp_path / "tags.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    values = [("genre", "Techno"), ("genre", "R&B, Soul"), ("mood", "Calm"), ("KMT:techno", "0.913")]
    assert rows == [["path", "field", "value"], *([ADDRESS, *value] for value in values)]


def test_another_ending_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.json or \.csv"):
        write_sidecar(tmp_path / "tags.txt", WANTED)

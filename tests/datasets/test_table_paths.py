"""Paths written on another system lead to their files if these are unambiguous."""

import unicodedata

import pytest

from keras_musictag.datasets._table import find_paths

NAME = unicodedata.normalize("NFC", "Café del Mar.mp3")


@pytest.fixture
def audio(tmp_path):
    (tmp_path / "jazz" / "solo").mkdir(parents=True)
    for name in ("so what.flac", "two.mp3", "two.wav", "Mr. X.MP3", NAME, "solo.ogg"):
        (tmp_path / "jazz" / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("jazz/so what.flac", "jazz/so what.flac"),
        ("jazz\\so what.flac", "jazz/so what.flac"),
        (".\\jazz\\so what", "jazz/so what.flac"),
        ("jazz/So What.FLAC", "jazz/so what.flac"),
        ("jazz/mr. x", "jazz/Mr. X.MP3"),
        (f"jazz/{unicodedata.normalize('NFD', NAME)}", f"jazz/{NAME}"),
        ("jazz/solo", "jazz/solo.ogg"),
        ("'jazz/solo.ogg", "jazz/solo.ogg"),
        ("jazz/two", "jazz/two"),  # two files
        ("jazz/three.mp3", "jazz/three.mp3"),
        ("C:\\music\\two.mp3", "C:\\music\\two.mp3"),
        ("nowhere/two.mp3", "nowhere/two.mp3"),
        (".", "."),
        ("x" * 300, "x" * 300),  # longer than a file name may be
        ("x" * 300 + "/two.mp3", "x" * 300 + "/two.mp3"),
        ("jazz/a\0b", "jazz/a\0b"),
    ],
)
def test_a_path_leads_to_the_only_file_it_can_mean(audio, written, meant):
    assert find_paths([written], audio) == [meant]


def test_an_absolute_path_is_found_from_anywhere(audio, tmp_path):
    assert find_paths([f"{audio}/jazz/so what"], tmp_path / "elsewhere") == [f"{audio}/jazz/so what.flac"]

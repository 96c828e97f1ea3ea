import os

import pytest

from keras_musictag import AudioError, ChecksumError, MusicTagError, UnknownNameError
from keras_musictag.errors import printable

KNOWN = ["guitar", "Piano", "no vocals"]


def test_the_message_has_the_name_and_the_known_names():
    message = str(UnknownNameError.of("tag", "xylophone", KNOWN))
    assert message == "There is no tag 'xylophone'. Known: guitar, Piano, no vocals."


@pytest.mark.parametrize(
    "slip, meant", [("gitar", "guitar"), ("GUITAR", "guitar"), ("piano", "Piano"), ("novocals", "no vocals")]
)
def test_a_typo_gives_a_suggestion_in_its_spelling(slip, meant):
    assert f"Did you mean {meant!r}?" in str(UnknownNameError.of("tag", slip, KNOWN))


def test_an_empty_list_of_names_is_called_none():
    assert str(UnknownNameError.of("layer", "conv1", [])) == "There is no layer 'conv1'. Known: none."


def test_names_may_be_an_iterator():
    assert "Did you mean 'guitar'? Known: guitar, Piano, no vocals." in str(
        UnknownNameError.of("tag", "guitarr", (name for name in KNOWN))
    )


@pytest.mark.parametrize("name", [None, 3, ["guitar"]])
def test_a_name_that_is_not_a_string_is_shown(name):
    assert f"There is no tag {name!r}." in str(UnknownNameError.of("tag", name, KNOWN))


@pytest.mark.parametrize(
    "cls, python", [(AudioError, ValueError), (UnknownNameError, LookupError), (ChecksumError, Exception)]
)
def test_each_class_has_our_base_and_pythons(cls, python):
    assert issubclass(cls, MusicTagError)
    assert issubclass(cls, python)


def test_unknown_names_are_not_key_errors():
    assert not issubclass(UnknownNameError, KeyError)


def test_names_that_are_not_utf_8_stay_different():
    names = [os.fsdecode(name) for name in (b"caf\xe9", b"caf\xe8", "caf\u00e9".encode())]
    assert [printable(name) for name in names] == ["caf\\xe9", "caf\\xe8", "caf\u00e9"]

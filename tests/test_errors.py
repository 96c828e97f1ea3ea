import os

import pytest

from keras_musictag import AudioError, ChecksumError, MusicTagError, UnknownNameError
from keras_musictag.errors import printable

KNOWN = ["guitar", "Piano", "no vocals"]


def test_the_message_says_what_was_given_and_what_exists():
    message = str(UnknownNameError.of("tag", "xylophone", KNOWN))
    assert message == "There is no tag 'xylophone'. Known: guitar, Piano, no vocals."


@pytest.mark.parametrize(
    "slip, meant", [("gitar", "guitar"), ("GUITAR", "guitar"), ("piano", "Piano"), ("novocals", "no vocals")]
)
def test_a_slip_is_answered_by_the_name_as_it_is_spelled(slip, meant):
    assert f"Did you mean {meant!r}?" in str(UnknownNameError.of("tag", slip, KNOWN))


def test_where_nothing_exists_it_says_none():
    assert str(UnknownNameError.of("layer", "conv1", [])) == "There is no layer 'conv1'. Known: none."


def test_names_may_come_from_any_iterable_once():
    assert "Did you mean 'guitar'? Known: guitar, Piano, no vocals." in str(
        UnknownNameError.of("tag", "guitarr", (name for name in KNOWN))
    )


@pytest.mark.parametrize("name", [None, 3, ["guitar"]])
def test_a_name_that_is_no_string_is_shown_as_it_is(name):
    assert f"There is no tag {name!r}." in str(UnknownNameError.of("tag", name, KNOWN))


@pytest.mark.parametrize(
    "cls, python", [(AudioError, ValueError), (UnknownNameError, LookupError), (ChecksumError, Exception)]
)
def test_each_class_is_caught_as_ours_and_as_what_python_calls_it(cls, python):
    assert issubclass(cls, MusicTagError)
    assert issubclass(cls, python)


def test_unknown_names_are_no_key_errors_since_those_print_their_message_quoted():
    assert not issubclass(UnknownNameError, KeyError)


def test_names_of_bytes_in_no_encoding_stay_different():
    names = [os.fsdecode(name) for name in (b"caf\xe9", b"caf\xe8", "caf\u00e9".encode())]
    assert [printable(name) for name in names] == ["caf\\xe9", "caf\\xe8", "caf\u00e9"]

"""An error is one line on standard error."""

import sys

import pytest

from keras_musictag import AudioError, ChecksumError, UnknownNameError
from keras_musictag.cli._messages import describe, print_to_stderr


@pytest.mark.parametrize("cls", [AudioError, ChecksumError, UnknownNameError, ValueError, FileNotFoundError])
def test_messages_for_users_have_no_class_name(cls):
    assert describe(cls("What to try.")) == "What to try."


@pytest.mark.parametrize("cls", [TypeError, RuntimeError, KeyError])
def test_other_errors_have_their_class_name(cls):
    assert describe(cls("x")) in (f"{cls.__name__}: x", f"{cls.__name__}: 'x'")


def test_a_message_is_one_line():
    assert describe(ValueError("first\n  second\tthird\n")) == "first second third"


@pytest.mark.parametrize(
    "error, line",
    [
        (OSError(28, "No space left on device"), "No space left on device."),
        (OSError(13, "Permission denied", "a.csv"), "Permission denied: a.csv."),
        (FileNotFoundError(2, "No such file or directory", "b"), "No such file or directory: b."),
    ],
)
def test_a_system_error_is_its_reason_and_the_file(error, line):
    assert describe(error) == line


@pytest.mark.parametrize("cls", [ValueError, RuntimeError, AudioError])
def test_an_error_without_a_message_has_its_class_name(cls):
    assert describe(cls()).startswith(cls.__name__)


def test_without_standard_error_the_output_stays_empty(monkeypatch, capsys):
    print_to_stderr("first")
    monkeypatch.setattr(sys, "stderr", None)  # as after `2>&-`
    print_to_stderr("second")
    assert capsys.readouterr() == ("", "first\n")

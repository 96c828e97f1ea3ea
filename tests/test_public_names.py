"""The public surface: every name exists, is documented, and nothing else is promised."""

import inspect

import pytest

import keras_musictag as kmt


@pytest.mark.parametrize("name", kmt.__all__)
def test_every_public_name_exists_and_says_what_it_does(name):
    thing = getattr(kmt, name)
    assert inspect.getdoc(thing)
    assert thing.__name__ == name


def test_the_list_of_names_is_short_and_complete():
    assert sorted(kmt.__all__) == [
        "AudioError",
        "ChecksumError",
        "EngineTagger",
        "ExportError",
        "MusicTagError",
        "TagResult",
        "Tagger",
        "Taggram",
        "UnknownNameError",
        "Vocabulary",
        "build",
        "demo_clip",
        "export",
        "list_models",
        "load",
    ]
    assert set(kmt.__all__) <= set(dir(kmt))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        kmt.laod  # noqa: B018


@pytest.mark.parametrize("name", ["load", "build", "export", "list_models", "demo_clip"])
def test_every_public_function_has_types_and_an_example(name):
    function = getattr(kmt, name)
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    assert ">>>" in function.__doc__

import importlib
import sys

import pytest

from keras_musictag import UnknownNameError
from keras_musictag.registry import load_module, module_names


@pytest.fixture
def fruits(tmp_path, monkeypatch):
    """A package with two public modules, a private one, a subpackage and a file that is not a module."""
    folder = tmp_path / "fruits_of_test_registry"
    (folder / "dried").mkdir(parents=True)
    for file in ("__init__.py", "pear.py", "apple.py", "_peel.py", "dried/__init__.py", "notes.txt"):
        (folder / file).write_text(f"ORIGIN = {file!r}\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module(folder.name)
    for name in [name for name in sys.modules if name.split(".")[0] == folder.name]:
        del sys.modules[name]


def test_names_are_the_sorted_public_modules(fruits):
    assert module_names(fruits) == ["apple", "pear"]


def test_a_new_file_is_a_new_name(fruits, tmp_path):
    (tmp_path / fruits.__name__ / "fig.py").write_text("ORIGIN = 'new'\n")
    importlib.invalidate_caches()
    assert module_names(fruits) == ["apple", "fig", "pear"]
    assert load_module(fruits, "fruit", "fig").ORIGIN == "new"


def test_listing_names_imports_no_module(fruits):
    module_names(fruits)
    assert f"{fruits.__name__}.apple" not in sys.modules


def test_a_module_is_loaded_by_its_name(fruits):
    assert load_module(fruits, "fruit", "pear").ORIGIN == "pear.py"


def test_an_unknown_name_is_an_error_with_a_suggestion(fruits):
    with pytest.raises(UnknownNameError, match=r"There is no fruit 'aple'\. Did you mean 'apple'\? Known: apple, pear"):
        load_module(fruits, "fruit", "aple")


@pytest.mark.parametrize("name", ["_peel", "dried", "__init__", "os", "..errors", "", None])
def test_only_public_modules_can_be_loaded(fruits, name):
    with pytest.raises(UnknownNameError, match="There is no fruit"):
        load_module(fruits, "fruit", name)

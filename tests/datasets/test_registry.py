"""The folder is the registry: every module is a dataset that can be prepared, and no list has to be edited."""

import inspect
from pathlib import Path

import pytest

from keras_musictag import datasets
from keras_musictag.bundled_files import bundled
from keras_musictag.errors import UnknownNameError
from keras_musictag.records import Manifest
from keras_musictag.tags import read_tags

LOCAL = {"audio", "csv", "folder"}  # a user's own files: nothing is published about them


def test_ids_are_the_modules_of_the_folder():
    files = {path.stem for path in Path(datasets.__file__).parent.glob("*.py") if not path.stem.startswith("_")}
    assert set(datasets.names()) == {stem.replace("_", "-") for stem in files}
    assert {"csv", "folder", "gmtag", "msd", "mtat", "mtg-jamendo"} <= set(datasets.names())


@pytest.mark.parametrize("name", datasets.names())
def test_every_dataset_has_a_manifest_function(name):
    module = datasets.get(name)
    signature = inspect.signature(module.manifest)
    first, *options = signature.parameters.values()
    assert first.name.startswith("raw") and first.default is inspect.Parameter.empty
    assert all(option.default is not inspect.Parameter.empty for option in options)
    assert signature.return_annotation is Manifest
    assert inspect.getdoc(module) and inspect.getdoc(module.manifest)


@pytest.mark.parametrize("name", sorted(set(datasets.names()) - LOCAL))
def test_every_published_dataset_has_a_tag_list_and_a_guide(name):
    folder = bundled("tfrecords") / name
    assert len(read_tags(folder / "tags.txt")) > 1
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("# ")


def test_every_tag_list_belongs_to_a_dataset():
    assert {path.name for path in bundled("tfrecords").iterdir() if path.is_dir()} == set(datasets.names()) - LOCAL


@pytest.mark.parametrize("name", datasets.names())
def test_a_missing_folder_is_an_error(name, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        datasets.get(name).manifest(tmp_path / "nowhere")


def test_an_unknown_dataset_is_an_error_with_a_guess():
    for name in ("mtg_jamendo", "_split"):
        with pytest.raises(UnknownNameError, match=f"no dataset '{name}'"):
            datasets.get(name)
    with pytest.raises(UnknownNameError, match="mean 'mtg-jamendo'"):
        datasets.get("jamendo-mtg")

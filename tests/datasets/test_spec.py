"""What the project states about each published dataset."""

import json
from pathlib import Path

import pytest

from keras_musictag.bundled_files import bundled
from keras_musictag.datasets import _official
from keras_musictag.datasets._official import check_choice, read_spec
from keras_musictag.errors import DatasetError, UnknownNameError
from keras_musictag.records.schema import PARTS
from tests.shared import FOLDER

DATASETS = ("mtat", "msd", "mtg-jamendo")
DOCS = Path(__file__).parents[2] / "docs" / "datasets"


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_spec_tells_users_what_they_need(dataset):
    spec = read_spec(dataset)
    assert spec.dataset == dataset
    for name in ("name", "dataset_version", "licence", "download"):
        assert getattr(spec, name).strip()
    assert spec.homepage.startswith("http") and spec.citation.startswith("@inproceedings{")
    assert len(spec.vocabulary) == 50 and set(spec.vocabulary.groups) != {"other"}
    assert spec.splits and all(tuple(counts) == PARTS for counts in spec.splits.values())
    assert spec.known_bad["reason"]


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_docs_state_command_licence_and_counts(dataset):
    text = (DOCS / f"{dataset}.md").read_text(encoding="utf-8")
    spec = read_spec(dataset)
    assert f"keras-musictag prepare {dataset} " in text
    for counts in spec.splits.values():
        assert " / ".join(f"{count:,}" for count in counts.values()) in text
    for word in ("Licence", "Traps", "Not verified", "Known bad"):
        assert f"## {word}" in text
    readme = (bundled("tfrecords") / dataset / "README.md").read_text(encoding="utf-8")
    assert f"docs/datasets/{dataset}.md" in readme and "comes later" not in readme


@pytest.mark.needs("shared")
def test_the_counts_of_mtat_are_those_of_its_metadata(cleaned, uncleaned):
    assert {found.split: found.counts for found in (cleaned, uncleaned)} == read_spec("mtat").splits


@pytest.mark.needs("shared")
def test_the_counts_of_msd_are_those_of_its_metadata(full):
    published = read_spec("msd").splits["full"]
    assert full.counts | {"train": full.counts["train"] + len(full.skipped)} == published


@pytest.mark.needs("shared")
@pytest.mark.parametrize("split", range(5))
def test_the_counts_of_jamendo_are_those_of_its_metadata(jamendo, split):
    found = jamendo(split)
    assert found.counts == read_spec("mtg-jamendo").splits[f"top50/split-{split}"]
    assert sum(found.counts.values()) == 54380


@pytest.mark.needs("shared")
def test_the_known_bad_files_are_the_published_ones():
    ids = json.loads((FOLDER / "datasets" / "msd" / "known_bad_7digital_ids.json").read_text())
    assert set(read_spec("msd").known_bad["ids"]) == set(ids["invalid_audio_train_7digital_ids"])
    readme = (FOLDER / "datasets" / "README.md").read_text()
    assert all(f"{clip} {path}" in readme for clip, path in read_spec("mtat").known_bad["ids"].items())


def test_a_spec_with_other_keys_or_version_is_refused(tmp_path, monkeypatch):
    content = json.loads((bundled("tfrecords") / "mtat" / "spec.json").read_text(encoding="utf-8"))
    monkeypatch.setattr(_official, "bundled", lambda folder: tmp_path)
    (tmp_path / "mtat").mkdir()
    for changed in (content | {"colour": 1}, {"version": 1}, content | {"version": 2}):
        (tmp_path / "mtat" / "spec.json").write_text(json.dumps(changed))
        with pytest.raises(DatasetError, match=r"spec\.json of mtat must have the keys"):
            read_spec("mtat")


def test_a_choice_may_be_a_number_and_must_be_known():
    assert check_choice("split", 3, ("0", "3")) == "3"
    with pytest.raises(UnknownNameError, match="no split '7'"):
        check_choice("split", 7, ("0", "3"))

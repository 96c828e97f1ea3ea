import dataclasses
import json
import re

import pytest

from keras_musictag import UnknownNameError
from keras_musictag.bundled_files import bundled
from keras_musictag.zoo import Metric, read_card, write_card

ENTRIES = ["musicnn-msd-v1", "musicnn-mtat-v1", "vgg-msd-v1", "vgg-mtat-v1"]
METRIC = {"dataset": "mtat", "split": "test", "metric": "roc_auc", "value": 0.9, "interval": [0.8, 1.0], "tracks": 4332}


@pytest.mark.parametrize("name", ENTRIES)
def test_a_bundled_card_is_written_byte_for_byte_as_it_was_read(tmp_path, name):
    write_card(read_card(bundled("zoo") / name), tmp_path)
    assert (tmp_path / "card.json").read_bytes() == (bundled("zoo") / name / "card.json").read_bytes()


def test_a_card_with_every_field_is_read_as_it_was_written(tmp_path):
    card = dataclasses.replace(
        read_card(bundled("zoo") / "vgg-mtat-v1"),
        summary="Ein Netz für 音楽",
        metrics=(
            Metric("mtat", "test", "roc_auc", 0.9, (0.89, 0.91), 4332),
            Metric("mtat", "test", "pr_auc", 0.38, None, 4332),
        ),
        thresholds={"guitar": 0.25},
        recipe="recipe.json",
    )
    write_card(card, tmp_path)
    assert read_card(tmp_path) == card
    assert "für 音楽" in (tmp_path / "card.json").read_text(encoding="utf-8")


def test_architecture_and_version_come_from_the_card():
    card = read_card(bundled("zoo") / "musicnn-msd-v1")
    assert (card.architecture, card.version) == ("musicnn", 1)
    assert dataclasses.replace(card, name="musicnn-msd-v12").version == 12


def test_a_card_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError, match="summary"):
        read_card(bundled("zoo") / "vgg-mtat-v1").summary = "better"


@pytest.mark.parametrize(
    "part, key, cls",
    [
        (None, "recipe", "Card"),
        (None, "metrics", "Card"),
        ("weights", "sha256", "Weights"),
        ("trained_on", "split_sha256", "TrainedOn"),
        ("reference", "reported", "Reference"),
        ("licences", "training_data", "Licences"),
    ],
)
def test_a_missing_key_is_named_with_its_part_and_file(edited_entry, part, key, cls):
    folder = edited_entry("vgg-mtat-v1", lambda card: (card[part] if part else card).pop(key))
    with pytest.raises(
        ValueError, match=rf"{re.escape(str(folder / 'card.json'))}: {cls} is missing the keys: {key}\."
    ):
        read_card(folder)


@pytest.mark.parametrize(
    "part, key, meant",
    [
        (None, "licenses", "licences"),
        ("weights", "sha265", "sha256"),
        ("trained_on", "data_set", "dataset"),
        ("reference", "papr", "paper"),
        ("licences", "weight", "weights"),
    ],
)
def test_an_unknown_key_gets_the_nearest_as_a_suggestion(edited_entry, part, key, meant):
    folder = edited_entry("vgg-mtat-v1", lambda card: (card[part] if part else card).update({key: "x"}))
    with pytest.raises(UnknownNameError, match=rf"card\.json: .* '{key}'\. Did you mean '{meant}'\?"):
        read_card(folder)


def test_every_metric_is_checked(edited_entry):
    folder = edited_entry("vgg-mtat-v1", lambda card: card.update(metrics=[METRIC, {**METRIC, "splitt": "x"}]))
    with pytest.raises(UnknownNameError, match=r"'splitt'\. Did you mean 'split'\?"):
        read_card(folder)


@pytest.mark.parametrize(
    "part, value",
    [
        (part, value)
        for part in ("weights", "trained_on", "reference", "licences")
        for value in (None, [], "text")
        if (part, value) != ("reference", None)  # weights need not belong to a paper
    ],
)
def test_a_part_that_is_not_an_object_is_refused(edited_entry, part, value):
    folder = edited_entry("vgg-mtat-v1", lambda card: card.update({part: value}))
    with pytest.raises(ValueError, match=r"card\.json: \w+ must be an object with the keys"):
        read_card(folder)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"metrics": [{**METRIC, "value": "0.9"}]}, "`value` must be a number. Received: '0.9'"),
        ({"metrics": [{**METRIC, "interval": ["a", 1]}]}, "`interval` must be a number. Received: 'a'"),
        ({"metrics": [{**METRIC, "tracks": True}]}, "`tracks` must be a whole number. Received: True"),
        ({"thresholds": {"guitar": None}}, "`thresholds.guitar` must be a number. Received: None"),
        ({"versions": ["3"]}, "`versions` must be an object"),
        ({"recipe": 3}, "`recipe` must be a string"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(edited_entry, changes, message):
    folder = edited_entry("vgg-mtat-v1", lambda card: card.update(changes))
    with pytest.raises(ValueError, match=rf"card\.json: {message}"):
        read_card(folder)


def test_metrics_that_are_not_a_list_are_refused(edited_entry):
    folder = edited_entry("vgg-mtat-v1", lambda card: card.update(metrics=None))
    with pytest.raises(ValueError, match="metrics"):
        read_card(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"{'name': 1}", b"\xff\xfe{}"])
def test_invalid_json_is_reported_with_the_file(tmp_path, content):
    (tmp_path / "card.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"card\.json is not valid JSON: "):
        read_card(tmp_path)


@pytest.mark.parametrize("content", ["[]", "null", "3", '"card"'])
def test_json_that_is_not_an_object_is_refused(tmp_path, content):
    (tmp_path / "card.json").write_text(content)
    with pytest.raises(ValueError, match="Card must be an object"):
        read_card(tmp_path)


def test_a_folder_without_a_card_is_not_an_entry(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=rf"{re.escape(str(tmp_path))} is not a zoo entry: it has no card\.json"
    ):
        read_card(tmp_path)


def test_a_card_is_plain_json(tmp_path):
    write_card(read_card(bundled("zoo") / "vgg-mtat-v1"), tmp_path)
    assert json.loads((tmp_path / "card.json").read_text())["weights"]["parameters"] == 607030

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from keras_musictag import list_models
from keras_musictag.bundled_files import bundled
from keras_musictag.zoo import user_folder

BUNDLED = ["musicnn-mtat-v1", "musicnn-msd-v1", "vgg-mtat-v1", "vgg-msd-v1"]


def listed(outcome):
    """The names in the list, in order, without entries that are bundled later: those must not break the tests."""
    assert (outcome.code, outcome.err) == (0, "")
    later = {path.name for path in bundled("zoo").iterdir()} - set(BUNDLED)
    return [row["name"] for row in json.loads(outcome.out) if row["name"] not in later]


def test_json_has_the_models_of_the_library(call):
    outcome = call("models", "--format", "json")
    assert listed(outcome) == BUNDLED
    assert json.loads(outcome.out) == [vars(model) for model in list_models()]


@pytest.mark.parametrize(
    "filters, names",
    [
        (["*cnn*"], BUNDLED[:2]),
        (["--dataset", "msd"], [BUNDLED[1], BUNDLED[3]]),
        (["vgg*", "--dataset", "msd"], [BUNDLED[3]]),
        (["nothing*"], []),
    ],
)
def test_filters_select_models(call, filters, names):
    assert listed(call("models", *filters, "--format", "json")) == names


def test_csv_has_the_rows_of_json(call):
    rows = list(csv.DictReader(io.StringIO(call("models", "--format", "csv").out)))
    assert rows == [{key: str(value) for key, value in vars(model).items()} for model in list_models()]


def test_the_table_fits_80_columns_and_has_every_entry(call):
    outcome = call("models")
    assert (outcome.code, outcome.err) == (0, "")
    assert all(len(line) <= 80 for line in outcome.out.splitlines())
    for name in BUNDLED:
        (row,) = [line for line in outcome.out.splitlines() if f" {name} " in line]
        assert row.split("│")[4].strip() == "bundled"
    (row,) = [line for line in outcome.out.splitlines() if " fcn-msd-v1 " in line]
    assert [cell.strip() for cell in row.split("│")[1:-1]] == ["fcn-msd-v1", "50", "448,758", "fetched", "MIT"]


@pytest.mark.parametrize(
    "form, out", [("table", "No model matches 'x*'. `keras-musictag models` lists all.\n"), ("json", "[]\n")]
)
def test_no_match_is_not_an_error(call, form, out):
    assert call("models", "x*", "--format", form) == (0, out, "")


def test_the_header_of_a_csv_does_not_depend_on_its_rows(call):
    header = call("models", "--format", "csv").out.splitlines()[0]
    assert call("models", "x*", "--format", "csv").out.splitlines() == [header]


def test_an_unknown_dataset_is_one_line_with_the_known_ones(call):
    outcome = call("models", "--dataset", "mtt")
    assert outcome.code == 1
    assert outcome.err.startswith("Error: There is no dataset with weights 'mtt'. Did you mean 'mtat'? Known: ")
    assert outcome.err.count("\n") == 1


def test_a_users_own_entry_is_listed(call):
    copy = Path(shutil.copytree(bundled("zoo") / "vgg-msd-v1", user_folder() / "vgg-msd-v2"))
    card = (copy / "card.json").read_text(encoding="utf-8")
    (copy / "card.json").write_text(card.replace('"vgg-msd-v1"', '"vgg-msd-v2"'), encoding="utf-8")
    assert listed(call("models", "vgg-msd*", "--format", "json")) == ["vgg-msd-v2", "vgg-msd-v1"]

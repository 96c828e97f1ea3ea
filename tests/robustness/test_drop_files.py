import csv
import dataclasses

import pytest

from keras_musictag.robustness import measure_drops, write_robustness
from keras_musictag.robustness.drops import Drop
from tests.robustness.conftest import QUALITY


@pytest.fixture(scope="module")
def result(simulated):
    return measure_drops(simulated, ("first", "second"), tuple(QUALITY))


def test_the_same_drops_give_the_same_bytes(result, tmp_path):
    once, again = (write_robustness(result, tmp_path / name) for name in ("once", "again"))
    assert [path.name for path in once] == ["robustness.md", "robustness.csv", "robustness.png"]
    for path, other in zip(once, again, strict=True):
        assert path.read_bytes() == other.read_bytes()
    assert once[2].read_bytes().startswith(b"\x89PNG")


def test_the_csv_has_every_drop_in_full_precision(result, tmp_path):
    write_robustness(result, tmp_path)
    with open(tmp_path / "robustness.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(result.drops) == 2 * 4 * 3
    for row in rows:
        drop = result.drops[row["model"], row["condition"], row["metric"]]
        for field in dataclasses.fields(Drop)[3:]:
            assert float(row[field.name]) == getattr(drop, field.name)
        wanted = {"original": "original", "mp3_32": "ours"}.get(row["condition"], "2020 evaluation")
        assert (row["from"], row["tracks"], row["tags_left_out"]) == (wanted, "150", "0")


def test_the_text_shows_each_drop_with_its_interval(result, tmp_path):
    write_robustness(result, tmp_path)
    text = (tmp_path / "robustness.md").read_text()
    table = text.split("## Drop in ROC-AUC")[1].split("## ")[0]
    (row,) = [line for line in table.splitlines() if line.startswith("| noise\\_0.4")]
    cells = [result.drops[model, "noise_0.4", "roc_auc"] for model in ("first", "second")]
    shown = [f"{cell.drop:.4f} ({cell.drop_low:.4f} to {cell.drop_high:.4f})" for cell in cells]
    assert row == f"| noise\\_0.4 | {shown[0]} | {shown[1]} |"
    assert "| original |" not in table
    value = result.drops["second", "original", "pr_auc"].value
    assert f"{value:.4f} |" in text.split("## PR-AUC\n")[1].split("## ")[0]
    assert "compare it only with AP" in text and "(robustness.png)" in text


def test_another_value_changes_the_figure(result, tmp_path):
    key = ("first", "noise_0.4", "pr_auc")
    moved = dataclasses.replace(result.drops[key], value=0.1)
    other = dataclasses.replace(result, drops={**result.drops, key: moved})
    pictures = [write_robustness(each, tmp_path / name)[2] for each, name in ((result, "a"), (other, "b"))]
    assert pictures[0].read_bytes() != pictures[1].read_bytes()


def test_the_original_alone_can_be_shown(simulated, tmp_path):
    write_robustness(measure_drops(simulated, ("first",), ()), tmp_path)
    assert (tmp_path / "robustness.png").stat().st_size > 5000

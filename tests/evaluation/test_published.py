"""The published tables, compared with a second copy of their figures."""

import json
import re

import pytest

from keras_musictag.evaluation import published_tables
from keras_musictag.evaluation.tables import PUBLISHED_FILE
from tests.shared import FOLDER

TABLES = {
    (t["dataset"], t["source"]): t["rows"] for t in json.loads(PUBLISHED_FILE.read_text(encoding="utf-8"))["tables"]
}
# ROC-AUC/PR-AUC/AP/MCC in units of 1e-4: FCN, MusicNN, Sample-level, +SE, CRNN, Self-attention, Harmonic, Short-chunk
UNIFIED = {
    "mtat": """9101/4129/4221/8451 9134/4519/4617/8814 9103/4410/4534/8510 9110/4601/4790/8543
        8899/3512/3611/8371 9098/4512/4600/8734 9156/4611/4790/8991 9167/4799/4876/8893""",
    "msd": """8712/3190/3299/8350 9021/2901/3030/8789 8911/3010/3018/8421 8923/2910/3101/8400
        8899/3112/3198/8298 9098/4113/4289/8683 9156/4314/4521/8845 9157/4119/4478/8811""",
    "mtg-jamendo": """8613/3098/3198/8211 8521/2791/2991/8701 8788/2999/3001/8291 8823/2888/2965/8390
        8839/2612/2790/8298 9098/3213/3391/8639 9156/3294/3411/8789 9167/3211/3111/8778""",
}
MODELS = [
    "FCN",
    "MusicNN",
    "Sample-level",
    "Sample-level+SE",
    "CRNN",
    "Self-attention",
    "Harmonic CNN",
    "Short-chunk",
]


@pytest.mark.parametrize("dataset", UNIFIED)
def test_the_unified_tables_are_complete(dataset):
    rows = TABLES[dataset, "unified"]
    assert [row["model"] for row in rows] == MODELS
    metrics = ("roc_auc", "pr_auc", "average_precision", "mcc")
    found = ["/".join(str(round(row[metric] * 1e4)) for metric in metrics) for row in rows]
    assert found == UNIFIED[dataset].split()


@pytest.mark.needs("shared")
@pytest.mark.parametrize("column, dataset", enumerate(("mtat", "msd", "mtg-jamendo"), start=1))
def test_the_2020_evaluations_tables_are_complete(column, dataset):
    text = (FOLDER / "reference" / "ARCHITECTURES.md").read_text(encoding="utf-8")
    text = text[text.index("Published scores") : text.index("## 5.")]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"(?m)^\|.*\|$", text)[2:]]
    expected = [(line[0], *map(float, line[column].split("/"))) for line in lines]
    assert len(expected) == 12
    found = [(row["model"], row["roc_auc"], row["average_precision"]) for row in TABLES[dataset, "won2020"]]
    assert found == expected


def test_there_are_no_other_tables():
    assert len(TABLES) == 6
    assert published_tables("folder") == []


@pytest.mark.parametrize("dataset", UNIFIED)
def test_every_table_states_its_source(dataset):
    unified, won = published_tables(dataset)
    for table in (unified, won):
        assert table.title.startswith("Reported elsewhere: ")
        assert "not measured here" in table.notes[1]
    assert any("are in more than one of the three tables" in note for note in unified.notes)
    assert any("not the macro MCC at the thresholds used here" in note for note in unified.notes)
    assert any("average precision, and is shown here as AP" in note for note in won.notes)
    assert won.header == ("model", "ROC-AUC", "AP")  # it has no PR-AUC by trapezoids

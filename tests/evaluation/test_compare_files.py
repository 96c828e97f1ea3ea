import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import keras_musictag as kmt
from keras_musictag.evaluation import EvaluationRun, compare_runs, make_report, read_run, write_comparison
from keras_musictag.evaluation.comparison_files import costs
from tests.evaluation.conftest import FEW
from tests.evaluation.simulate import TAGS, pair, simulate

NAMES = ["compare.csv", "compare.html", "compare.md", "cost.png", "neighbours.csv", "per_tag.csv", "per_tag.png"]
VOID = {"meta", "img"}


class Page(HTMLParser):
    """What a page holds, and whether every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.addresses, self.text = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "srcset", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def comparison(runs):
    return compare_runs([read_run(run) for run in runs])


@pytest.fixture(scope="module")
def folder(comparison, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared") / "new"
    write_comparison(comparison, folder)
    return folder


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_equal_runs_give_files_with_equal_bytes(comparison, folder, tmp_path):
    paths = write_comparison(comparison, tmp_path)
    assert sorted(path.name for path in paths) == sorted(path.name for path in tmp_path.iterdir()) == NAMES
    for name in NAMES:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_compare_reads_ranks_and_writes_in_one_call(runs, comparison, folder, tmp_path):
    found = kmt.compare(runs, tmp_path / "out", metric="roc_auc")
    assert found.metric == "roc_auc" and sorted(found.names) == sorted(comparison.names)
    kmt.compare(runs, tmp_path / "default")
    for name in NAMES:
        assert (tmp_path / "default" / name).read_bytes() == (folder / name).read_bytes(), name


def test_csv_files_have_the_numbers_in_full_precision(comparison, folder):
    rows = read_csv(folder / "compare.csv")
    assert len(rows) == 3 * 2 * 3 * 5  # models, levels, groups, metrics
    for row in rows:
        report = comparison.runs[int(row["rank"]) - 1].report
        measured = report.group(row["level"], row["subset"]).metrics[row["metric"]]
        assert row["model"] == report.model
        assert [float(row[name]) for name in ("macro", "macro_low", "macro_high")] == measured.macro.tolist()
        assert [float(row[name]) for name in ("micro", "micro_low", "micro_high")] == measured.micro.tolist()
    pairs = read_csv(folder / "neighbours.csv")
    assert [(row["better"], row["worse"]) for row in pairs] == [("good", "middling"), ("middling", "poor")]
    assert float(pairs[0]["p_holm"]) == comparison.neighbours[0].p_holm
    tags = read_csv(folder / "per_tag.csv")
    assert [row["pr_auc"] for row in tags] == list(TAGS)
    assert float(tags[2]["poor"]) == comparison.runs[2].report.group().metrics["pr_auc"].per_tag[2, 0]


def test_markdown_has_the_ranking_costs_and_neighbours(folder):
    text = (folder / "compare.md").read_text(encoding="utf-8")
    assert text.startswith("# gmtag, test: 3 models by PR-AUC\n")
    at = [text.index(f"\n| {name} |") for name in ("good", "middling", "poor")]
    assert at == sorted(at)
    for part in (
        "subset unseen",
        "Measured: chunk level",
        "10,000",
        "good over middling",
        "(per_tag.png)",
        "(cost.png)",
    ):
        assert part in text, part
    assert "Reported elsewhere" not in text  # nothing is published on this dataset


def test_the_page_needs_no_other_file(folder):
    text = (folder / "compare.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert page.elements.count("img") == len(page.addresses) == 2
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert "script" not in page.elements and "link" not in page.elements
    assert not re.search(r"url\(|@import", text)
    assert page.elements.count("table") == 2 * 3 + 2


def test_the_figures_grow_with_their_content(folder):
    with Image.open(folder / "per_tag.png") as image:
        assert image.size == (int(120 * (1.6 + 0.08 * 10 + 0.75 * 3)), int(120 * (1.8 + 0.23 * 6)))
    with Image.open(folder / "cost.png") as image:
        assert image.size == (round(120 * 4.8 * 2), round(120 * 4.6))  # one panel per known cost


ODD = '<script>alert("x")</script>|$x_1^{$ ![a](http://b) \\'


@pytest.fixture
def odd(tmp_path):
    """Names of models, tags and subsets that HTML, Markdown and formulas would interpret."""
    tags = [f"{ODD}{i}" for i in range(6)]
    runs = []
    for i, name in enumerate((ODD, "_hidden", "日本語 \n line")):
        said, valid = pair(model=name, quality=1 + i, noise=i, vocabulary=tags, dataset=ODD, facts={"parameters": 10})
        said = replace(said, subsets=(ODD, *["b"] * (len(said) - 1)))
        runs.append(EvaluationRun(tmp_path / str(i), said, make_report(said, valid, resampling=FEW)))
    write_comparison(compare_runs(runs), tmp_path / "out")
    return tmp_path / "out"


def test_odd_names_are_never_read_as_markup(odd):
    page = Page((odd / "compare.html").read_text(encoding="utf-8"))
    assert page.open == [] and "script" not in page.elements
    assert ODD in page.text
    text = (odd / "compare.md").read_text(encoding="utf-8")
    assert not re.search(r"(?<!\\)[<>\[\]`$]", text.replace("![", "").replace("](per_tag", "").replace("](cost", ""))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    cells = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows if "script" in row and "over" not in row}
    assert cells <= {8, 7}  # these bars separate the cells of the score and cost tables; none is part of a name
    assert [row["model"] for row in read_csv(odd / "compare.csv")][-1] == ODD


@pytest.mark.parametrize("dataset, rows", [("mtat", 20), ("msd", 20), ("mtg-jamendo", 20), ("gmtag", 0)])
def test_published_tables_are_separate_from_measured_ones(tmp_path, dataset, rows):
    said = simulate(dataset=dataset, chunks=False, subsets=False)
    run = EvaluationRun(tmp_path, said, make_report(said, resampling=FEW))
    write_comparison(compare_runs([run]), tmp_path)
    text = (tmp_path / "compare.md").read_text(encoding="utf-8")
    measured, *elsewhere = text.split("## Reported elsewhere: ")
    assert "Short-chunk" not in measured
    assert sum(len(re.findall(r"(?m)^\| (?!model|---)", part)) for part in elsewhere) == rows
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert page.count("<h2>Reported elsewhere") == (2 if rows else 0)
    assert page.count("Reported elsewhere, not measured here") == (2 if rows else 0)
    for row in read_csv(tmp_path / "compare.csv"):
        assert row["model"] == "short_chunk_cnn"


def test_a_run_without_chunk_scores_has_dashes(tmp_path):
    runs = []
    for i, chunks in enumerate((True, False)):
        said = simulate(model=f"m{i}", chunks=chunks, noise=i)
        runs.append(EvaluationRun(tmp_path / str(i), said, make_report(said, resampling=FEW)))
    write_comparison(compare_runs(runs), tmp_path / "out")
    text = (tmp_path / "out" / "compare.md").read_text(encoding="utf-8")
    assert "| m1 | - | - | - | - | - | - |" in text.split("Measured: chunk level")[1]


def test_costs_are_per_second_of_audio_and_only_if_known(tmp_path):
    runs = []
    for i, facts in enumerate(
        ({"parameters": 5, "multiply_adds": 600, "chunk_seconds": 3, "chunks_per_second": 2}, {})
    ):
        said = simulate(model=f"m{i}", noise=i, chunks=False, facts=facts)
        runs.append(EvaluationRun(tmp_path / str(i), said, make_report(said, resampling=FEW)))
    comparison = compare_runs(runs)
    at = comparison.names.index("m0")
    found = costs(comparison)
    assert {name: float(values[at]) for name, values in found.items()} == {
        "parameters": 5,
        "multiply-adds per second of audio": 200,
        "seconds of audio per second": 6,
    }
    assert np.isnan([values[1 - at] for values in found.values()]).all()
    write_comparison(comparison, tmp_path / "out")
    assert (tmp_path / "out" / "cost.png").is_file()
    write_comparison(compare_runs([run for run in runs if not run.report.facts]), tmp_path / "out")
    assert not (tmp_path / "out" / "cost.png").exists()  # the file of the earlier comparison is gone


def test_facts_of_any_kind_can_be_reported(tmp_path):
    said = simulate(chunks=False, facts={"parameters": "many", "recipe": {"name": "short"}, "x": None, "y": True})
    report = make_report(said, resampling=FEW)
    assert json.loads(report.to_json())["facts"]["recipe"] == {"name": "short"}
    assert costs(compare_runs([EvaluationRun(tmp_path, said, report)])) == {}


def test_the_number_of_chunks_is_reported(tmp_path):
    runs = []
    for i, chunks in enumerate((16, "every 0.5 s")):
        said = simulate(model=f"m{i}", chunks=False, subsets=False, facts={"chunks_per_track": chunks})
        runs.append(EvaluationRun(tmp_path / str(i), said, make_report(said, resampling=FEW)))
    write_comparison(compare_runs(runs), tmp_path / "out")
    text = (tmp_path / "out" / "compare.md").read_text(encoding="utf-8")
    assert "| m0 | - | - | - | - | 16 |" in text and "| m1 | - | - | - | - | every 0.5 s |" in text

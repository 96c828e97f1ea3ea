"""Reports on the same data are compared, with the tests, curves and costs that belong to them."""

import json
import shutil

import pytest

from keras_musictag.bundled_files import bundled
from keras_musictag.evaluation import published_tables, read_report
from keras_musictag.web.comparisons import comparison_page, find_comparisons
from keras_musictag.web.reports import Reports


def only_mine(reports_folder):
    return [one for one in find_comparisons(Reports([reports_folder])) if one["source"] == "folder"]


def test_the_published_models_are_compared_from_the_start(client):
    page = client.get("/api/comparison").json()
    assert (page["dataset"], page["split"], page["part"], page["tracks"]) == ("gmtag", "small", "test", 60)
    values = [row["metrics"]["pr_auc"]["value"] for row in page["models"]]
    assert len(values) == 5 and values == sorted(values, reverse=True)
    assert page["models"][0]["model"] == page["neighbours"][0]["better"] == "short_chunk_cnn, chunk level"
    report = client.get(f"/api/reports/{page['models'][0]['report']}").json()
    assert (report["name"], report["comparison"]) == (page["models"][0]["model"], page["comparison"])
    costs = {row["amount"] for row in page["cost"] if (row["cost"], row["metric"]) == ("parameters", "mcc")}
    report = read_report(bundled("results") / "gmtag_small" / "ridge")
    assert len(costs) == 3 and report.facts["parameters"] in costs  # two networks were trained twice
    assert page["problems"] == []


def test_published_curves_begin_at_the_original(client):
    rows = client.get("/api/comparison").json()["robustness"]
    curve = [row for row in rows if (row["condition"], row["model"]) == ("white_noise", "musicnn_2020")]
    curve = {row["level"]: row for row in curve if row["metric"] == "pr_auc"}
    assert [curve[level]["position"] for level in ("0", "0.1", "0.4")] == [0, 1, 2]
    assert curve["0"]["value"] - curve["0.4"]["value"] == pytest.approx(curve["0.4"]["drop"])
    assert curve["0.4"]["low"] < curve["0.4"]["value"] < curve["0.4"]["high"]


def test_files_belong_to_the_reports_in_their_folder(tmp_path):
    """As in the wheel, which has no compare.csv."""
    names = ("ridge/report.json", "neighbours.csv", "robustness.csv")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(bundled("results") / "gmtag_small" / name, tmp_path / name)
    (one,) = find_comparisons(Reports(published=tmp_path))
    assert len(one["models"]) == 1 and one["neighbours"] and one["robustness"]


def test_tables_of_others_are_shown_apart(client):
    elsewhere = client.get("/api/comparison").json()["elsewhere"]
    tables = [table for table in elsewhere if table["dataset"] == "mtat"]
    assert [len(table["rows"]) for table in tables] == [len(table.rows) for table in published_tables("mtat")]
    assert all(table["title"].startswith("Reported elsewhere") for table in elsewhere)


def test_files_join_the_reports_that_they_are_about(reports_folder):
    (mine,) = only_mine(reports_folder)
    assert {row["place"] for row in mine["models"]} == {"runs/good", "robust/good/original", "runs/poor"}
    assert [row["model"] for row in mine["models"]] == ["good", "good", "poor"]
    assert [(pair["better"], pair["worse"]) for pair in mine["neighbours"]] == [("good", "poor")]
    assert {(row["condition"], row["level"]) for row in mine["robustness"]} == {
        *(("white_noise", level) for level in ("0", "0.1", "0.4")),
        *(("mp3", level) for level in ("original", "64")),
    }
    (cost,) = {row["amount"] for row in mine["cost"] if row["cost"] == "audio_seconds_per_second"}
    assert cost == 8 * 3.0 and any("Speed" in note for note in mine["notes"])


def test_a_compared_folder_without_reports_is_one_of_its_own(reports_folder):
    shutil.rmtree(reports_folder / "runs")
    shutil.rmtree(reports_folder / "robust")
    (mine,) = only_mine(reports_folder)
    assert (mine["name"], [row["model"] for row in mine["models"]]) == ("compared", ["good", "poor"])
    assert mine["models"][0]["report"] is None and mine["neighbours"] and mine["cost"] == []
    assert set(mine["models"][0]["metrics"]) == {"roc_auc", "pr_auc", "average_precision", "mcc", "f1"}


def test_reports_on_other_tracks_are_not_compared(reports_folder):
    path = reports_folder / "runs" / "poor" / "report.json"
    path.write_text(path.read_text().replace("ab" * 32, "cd" * 32))  # another split
    assert sorted(len(one["models"]) for one in only_mine(reports_folder)) == [1, 2]
    reports = Reports([reports_folder])
    page = comparison_page(reports)
    assert page["source"] == "published" and len(page["comparisons"]) == 3
    for one in page["comparisons"]:
        chosen = comparison_page(reports, one["comparison"])
        assert (chosen["comparison"], len(chosen["models"])) == (one["comparison"], one["models"])


@pytest.mark.parametrize("name", ["compared/compare.csv", "compared/neighbours.csv", "robust/robustness.csv"])
def test_a_damaged_file_is_a_problem_of_its_comparison(reports_folder, name):
    path = reports_folder / name
    path.write_text(path.read_text().rstrip().rpartition(",")[0].rpartition("\n")[0] + "\ngood,track")
    problems = [problem for one in only_mine(reports_folder) for problem in one["problems"]]
    assert len(problems) == 1 and name in problems[0] and str(reports_folder.parent) not in problems[0]


def test_a_condition_of_a_newer_version_is_shown_by_its_name(reports_folder):
    path = reports_folder / "robust" / "robustness.csv"
    path.write_text(path.read_text().replace("mp3_64", "echo_9"))
    (mine,) = only_mine(reports_folder)
    row = next(row for row in mine["robustness"] if row["condition"] == "echo_9")
    assert (row["title"], row["level"], row["position"]) == ("echo_9", "echo_9", 1)
    json.dumps(mine, allow_nan=False)


def test_no_reports_are_no_error(tmp_path):
    page = comparison_page(Reports(published=tmp_path))
    assert (page["comparison"], page["models"], page["comparisons"]) == (None, [], [])

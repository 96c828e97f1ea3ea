"""Reports are found wherever they are, keep their numbers, and are read again when they change."""

import json
import os
import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keras_musictag.bundled_files import bundled
from keras_musictag.evaluation import read_report
from keras_musictag.web.reports import Reports

METRICS = {"roc_auc", "pr_auc", "average_precision", "mcc", "f1"}


def test_published_reports_are_listed_with_their_numbers(client):
    rows = [row for row in client.get("/api/reports").json() if row["source"] == "published"]
    row = next(row for row in rows if row["place"] == "gmtag_small/ridge")
    report = read_report(bundled("results") / "gmtag_small" / "ridge")
    value, low, high = report.group().metrics["pr_auc"].macro
    assert row["metrics"]["pr_auc"] == {"value": value, "low": low, "high": high}
    assert (row["name"], row["dataset"], row["part"], row["tracks"]) == (report.model, "gmtag", "test", 60)
    assert row["parameters"] == report.facts["parameters"]
    assert set(row["metrics"]) == METRICS and "per_tag" not in row


def test_a_whole_report_has_every_tag_level_and_subset(client):
    row = next(row for row in client.get("/api/reports").json() if row["place"] == "gmtag_small/musicnn_2020-chunk")
    whole = client.get(f"/api/reports/{row['report']}").json()
    assert whole.items() >= row.items()
    report = read_report(bundled("results") / "gmtag_small" / "musicnn_2020-chunk")
    assert [tag["tag"] for tag in whole["per_tag"]] == list(report.vocabulary)
    tag, group = whole["per_tag"][7], report.group()
    assert (tag["group"], tag["positives"]) == (report.vocabulary.groups[7], group.positives[7])
    assert tag["roc_auc"]["low"] == group.metrics["roc_auc"].per_tag[7][1]
    assert tag["threshold"] == report.levels["track"].thresholds.values[7]
    unseen = next(part for part in whole["groups"] if (part["level"], part["subset"]) == ("chunk", "unseen"))
    assert unseen["micro"]["f1"]["value"] == report.group("chunk", "unseen").metrics["f1"].micro[0]
    assert whole["seconds_per_track"] == 16 / report.facts["chunks_per_second"]
    assert client.get("/api/reports/none").status_code == 404


def test_runs_in_folders_join_at_any_depth(reports_folder):
    rows = [report.summary() for report in Reports([reports_folder]).find_reports()]
    mine = {row["place"]: row for row in rows if row["source"] == "folder"}
    assert {"runs/good", "runs/poor", "robust/good/original", "robust/good/noise_0.1"} <= set(mine)
    assert (mine["runs/good"]["name"], mine["robust/good/noise_0.1"]["deformation"]) == ("good", "noise_0.1")
    assert mine["runs/good"]["multiply_adds_per_second"] == 2e6
    assert len({row["report"] for row in rows}) == len(rows)


def test_reports_are_read_again_when_files_change(reports_folder):
    reports = Reports([reports_folder])
    before = {report.place: report for report in reports.find_reports()}
    again = {report.place: report for report in reports.find_reports()}
    assert all(again[place] is report for place, report in before.items())
    path = reports_folder / "runs" / "good" / "report.json"
    os.utime(path, ns=(1, 1))
    path.write_text(path.read_text().replace('"model": "good"', '"model": "better"'))
    shutil.rmtree(reports_folder / "runs" / "poor")
    after = {report.place: report for report in reports.find_reports()}
    assert after["runs/good"].content["name"] == "better" and after["runs/good"].id == before["runs/good"].id
    assert "runs/poor" not in after and after["robust/good/original"] is before["robust/good/original"]


DAMAGE = {
    "not JSON": lambda text: text[:-100],
    "of another version": lambda text: text.replace('"version": 2', '"version": 1'),
    "deeply nested": lambda text: "[" * 100_000,
    "a tag too many": lambda text: text.replace('"positives": [', '"positives": [1, '),
    "a list as the model": lambda text: text.replace('"model": "good"', '"model": ["good"]'),
    "no levels": lambda text: json.dumps({**json.loads(text), "levels": {}}),
    "a text as facts": lambda text: json.dumps({**json.loads(text), "facts": "none"}),
    "an infinite number": lambda text: text.replace('"tracks": 60', '"tracks": 1e999'),
    "not UTF-8": lambda text: "\udcff",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_report_is_listed_with_the_reason(reports_folder, damage):
    path = reports_folder / "runs" / "good" / "report.json"
    path.write_text(damage(path.read_text()), errors="surrogateescape")
    reports = Reports([reports_folder])
    row = next(report.summary() for report in reports.find_reports() if report.place == "runs/good")
    assert row["metrics"] == {} and row["error"], row
    assert str(reports_folder.parent) not in json.dumps(row), "clients must not see a path"
    assert reports.find_report(row["report"]).content["error"] == row["error"]


def test_folders_may_be_relative(reports_folder, monkeypatch):
    monkeypatch.chdir(reports_folder)
    (reports_folder / "runs" / "good" / "report.json").write_text("[]")
    found = {report.place: report for report in Reports([Path(".")]).find_reports()}
    assert f"'{reports_folder.name}/runs/good/report.json' cannot be read" in found["runs/good"].content["error"]


def test_odd_names_and_numbers_are_valid_json(reports_folder):
    path = reports_folder / "runs" / "good" / "report.json"
    content = json.loads(path.read_text())
    content["facts"] |= {"parameters": float("inf"), "chunk_seconds": float("nan"), "precision": "\udcff"}
    path.write_text(json.dumps({**content, "model": "good\udcff\n<b>"}))
    path.parent.rename(reports_folder / "runs" / os.fsdecode(b"\xff"))
    found = next(report for report in Reports([reports_folder]).find_reports() if "xff" in report.place)
    json.dumps(found.content, allow_nan=False, ensure_ascii=False).encode()
    assert found.content["name"] == "good\\xff\\n<b>" and found.content["parameters"] is None


def test_links_and_hidden_folders_are_left_out(reports_folder, tmp_path):
    (reports_folder / "link").symlink_to(reports_folder / "runs")
    (reports_folder / "runs" / "poor").rename(reports_folder / "runs" / ".poor")
    places = [report.place for report in Reports([reports_folder, tmp_path / "missing"]).find_reports()]
    assert not [place for place in places if "poor" in place or "link" in place]


def test_two_threads_read_each_report_once(reports_folder, monkeypatch):
    counts, reports = Counter(), Reports((reports_folder,))

    def slow_read(folder):
        counts[folder] += 1
        time.sleep(0.05)  # the other thread is in the middle of it
        return read_report(folder)

    monkeypatch.setattr("keras_musictag.web.reports.read_report", slow_read)
    with ThreadPoolExecutor(2) as pool:
        first, second = (task.result() for task in [pool.submit(reports.find_reports) for _ in range(2)])
    assert [one.id for one in first] == [one.id for one in second]
    assert set(counts.values()) == {1}

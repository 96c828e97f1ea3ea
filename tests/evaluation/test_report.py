import json
from dataclasses import replace

import numpy as np
import pytest

from keras_musictag.evaluation import Predictions, Report, Resampling, make_report
from keras_musictag.evaluation.measuring import metric_values
from keras_musictag.evaluation.report_files import tag_rows, to_markdown
from keras_musictag.evaluation.reporting import UNNAMED
from keras_musictag.metrics import bootstrap, choose_thresholds, interval, mcc
from tests.evaluation.simulate import TAGS, pair, simulate

FEW = Resampling(resamples=60, seed=3)
TEST, VALID = pair()


@pytest.fixture(scope="module")
def report():
    return make_report(TEST, VALID, resampling=FEW)


@pytest.mark.parametrize("level", ["track", "chunk"])
def test_every_number_follows_from_the_predictions(report, level):
    thresholds = choose_thresholds(*VALID.rows(level)[:2]).values
    targets, scores, tracks = TEST.rows(level)
    expected = metric_values(targets, scores, thresholds)
    resampled = bootstrap(targets, scores, thresholds=thresholds, tracks=tracks, resamples=60, seed=3)
    group = report.group(level)
    assert list(group.metrics) == ["roc_auc", "pr_auc", "average_precision", "mcc", "f1"]
    for name, measured in group.metrics.items():
        for kind in ("per_tag", "macro", "micro"):
            numbers = getattr(measured, kind)
            assert np.array_equal(numbers[..., 0], getattr(expected[name], kind)), (name, kind)
            edges = interval(getattr(resampled[name], kind), around=numbers[..., 0])
            assert np.array_equal(numbers[..., 1:], edges.clip(-1 if name == "mcc" else 0, 1)), (name, kind)


def test_thresholds_come_from_the_validation_part_only(report):
    of_test = choose_thresholds(TEST.targets, TEST.scores).values
    of_valid = choose_thresholds(VALID.targets, VALID.scores).values
    assert report.thresholds == dict(zip(TAGS, of_valid, strict=True))
    assert report.group().metrics["mcc"].macro[0] == mcc(TEST.targets, TEST.scores, of_valid).macro
    assert report.group().metrics["mcc"].macro[0] < mcc(TEST.targets, TEST.scores, of_test).macro


def test_each_level_has_its_own_thresholds(report):
    assert not np.array_equal(report.levels["track"].thresholds.values, report.levels["chunk"].thresholds.values)


def test_subsets_are_reported_separately(report):
    assert list(report.levels["track"].groups) == ["all", "seen", "unseen"]
    part = TEST.subset("unseen")
    for level in ("track", "chunk"):
        expected = metric_values(*part.rows(level)[:2])["pr_auc"].macro
        assert report.group(level, "unseen").metrics["pr_auc"].macro[0] == expected
    assert report.group("chunk", "unseen").rows == 4 * report.group("chunk", "unseen").tracks == 300


def test_tracks_without_a_subset_form_their_own_group():
    said = replace(TEST, subsets=("unseen", *[""] * (len(TEST) - 1)))
    assert list(make_report(said, resampling=FEW).levels["track"].groups) == ["all", UNNAMED, "unseen"]


def test_one_subset_alone_is_not_reported_twice():
    said = replace(TEST, subsets=("seen",) * len(TEST))
    assert list(make_report(said, resampling=FEW).levels["track"].groups) == ["all"]


def test_without_validation_scores_there_is_no_mcc_and_no_f1():
    report = make_report(TEST, resampling=FEW)
    assert list(report.group().metrics) == ["roc_auc", "pr_auc", "average_precision"]
    assert report.thresholds == {}
    assert "MCC and F1 are missing, because there were no validation scores" in to_markdown(report)


def test_a_written_report_can_be_read(report):
    again = Report.from_dict(json.loads(report.to_json()))
    assert again.to_json() == report.to_json()
    assert again.source == report.source and again.vocabulary == report.vocabulary


def test_tags_with_one_class_are_counted_and_null():
    said, valid = TEST, VALID
    targets = said.targets.copy()
    targets[:, 1] = False
    of_valid = valid.targets.copy()
    of_valid[:, 2] = True
    report = make_report(replace(said, targets=targets), replace(valid, targets=of_valid), resampling=FEW)
    measured = report.group().metrics["pr_auc"]
    assert measured.left_out == 1
    assert np.isnan(measured.per_tag[1]).all()
    assert (
        json.loads(report.to_json())["levels"]["track"]["groups"]["all"]["metrics"]["pr_auc"]["per_tag"]["low"][1]
        is None
    )
    text = to_markdown(report)
    assert "Macro leaves out 1 of 6 tags" in text
    assert "threshold is 0.5: strings" in text
    assert "strings" not in report.thresholds and len(report.thresholds) == 5
    assert Report.from_dict(json.loads(report.to_json())).to_json() == report.to_json()


def test_resamples_that_lost_a_tag_are_reported(report):
    rare = TEST.targets.copy()
    rare[:, 5] = np.arange(len(TEST)) == 0
    group = make_report(replace(TEST, targets=rare, subsets=()), resampling=FEW).group()
    assert 5 < group.incomplete_resamples < 45  # a track is not drawn in 37 % of 60
    assert report.group().incomplete_resamples == 0


def test_markdown_has_every_table_and_the_note_on_average_precision(report):
    text = to_markdown(report)
    for title in ("Track level (song level)", "Chunk level", "subset unseen", "Each tag, track level"):
        assert title in text
    assert "prints as PR-AUC is AP" in text
    macro = report.group().metrics["pr_auc"].macro
    assert f"{macro[0]:.4f} ({macro[1]:.4f} to {macro[2]:.4f})" in text


def test_csv_has_one_row_per_level_group_and_tag(report):
    header, rows = tag_rows(report)
    assert len(rows) == 2 * 3 * len(TAGS)
    first = dict(zip(header, rows[0], strict=True))
    assert (first["level"], first["subset"], first["tag"], first["group"]) == ("track", "all", "guitar", "instrument")
    assert first["positives"] == TEST.targets[:, 0].sum()
    assert first["pr_auc_high"] == report.group().metrics["pr_auc"].per_tag[0, 2]


def valid_like(**settings) -> Predictions:
    return simulate(part="valid", **settings)


@pytest.mark.parametrize(
    "valid, match",
    [
        (TEST, "must not be chosen on the tracks that are measured"),
        (simulate(part="test", noise=4), "must not be chosen on the tracks that are measured"),
        (replace(TEST, source=VALID.source), "must not be chosen on the tracks that are measured"),
        (valid_like(model="other"), "same model. Received: 'short_chunk_cnn' and 'other'"),
        (valid_like(dataset="mtat"), "same dataset"),
        (valid_like(split_sha256="cd"), "same split_sha256"),
        (valid_like(vocabulary=list("abcdef")), "same tags"),
        (valid_like(chunks=False), "same levels"),
        (valid_like(deformation="white_noise_0.4"), "on undeformed audio. Received: 'white_noise_0.4'"),
    ],
)
def test_thresholds_are_not_chosen_on_other_data(valid, match):
    with pytest.raises(ValueError, match=match):
        make_report(TEST, valid, resampling=FEW)


def test_deformed_tracks_use_thresholds_of_undeformed_ones():
    report = make_report(simulate(deformation="white_noise_0.4", noise=7), VALID, resampling=FEW)
    assert report.thresholds == make_report(TEST, VALID, resampling=FEW).thresholds
    assert report.source.deformation == "white_noise_0.4"


@pytest.mark.parametrize("data", [{"version": 1}, {"version": 2}, [], {"version": 2, "model": "m", "source": {}}])
def test_an_invalid_report_is_refused(data):
    with pytest.raises(ValueError, match="Evaluate again"):
        Report.from_dict(data)

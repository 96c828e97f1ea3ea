import pytest

from keras_musictag.errors import RecordsError
from keras_musictag.records.planning import describe_plan, differences, read_plan, work_folder
from tests.records.make import make_manifest

FCN = {"name": "log_mel", "architecture": "fcn", "config": {"num_mels": 96, "hop_samples": 256}}


def plan(folder, features=None, **changes) -> dict:
    return {**describe_plan(make_manifest(folder, 2, seconds=0.1), "pcm", features, 4), **changes}


def test_equal_plans_do_not_differ_without_a_track_count(tmp_path):
    old = plan(tmp_path)
    del old["num_tracks"]
    assert differences(plan(tmp_path), old) == ""


def test_a_difference_of_features_names_the_architecture(tmp_path):
    assert differences(plan(tmp_path, FCN), plan(tmp_path)) == "features none, now fcn"
    bare = {"name": "log_mel", "config": {}}
    assert differences(plan(tmp_path), plan(tmp_path, bare)) == "features log_mel, now none"
    other = {**FCN, "config": {"num_mels": 48}}
    assert differences(plan(tmp_path, other), plan(tmp_path, FCN)) == "features fcn, now fcn with other settings"


def test_only_changed_tools_are_reported(tmp_path):
    then, now = {"av": "14", "numpy": "2.1"}, {"av": "15", "numpy": "2.1"}
    assert differences(plan(tmp_path, tool_versions=now), plan(tmp_path, tool_versions=then)) == "av 14, now 15"


def test_the_plan_is_kept_until_the_records_are_finished(tmp_path):
    with work_folder(tmp_path, {"storage": "pcm"}):
        assert read_plan(tmp_path) == {"storage": "pcm"}
    with work_folder(tmp_path, {"storage": "pcm"}):
        (tmp_path / "dataset.json").write_text("{}")
    assert [path.name for path in tmp_path.iterdir()] == ["dataset.json"]


@pytest.mark.parametrize("finished", [False, True])
def test_the_work_of_another_run_is_not_overwritten(tmp_path, finished):
    with work_folder(tmp_path, {"storage": "pcm"}):
        if finished:
            (tmp_path / "dataset.json").write_text("{}")
    with (
        pytest.raises(RecordsError, match="Another process has just written"),
        work_folder(tmp_path, {"storage": "source"}),
    ):
        pass
    assert read_plan(tmp_path) == (None if finished else {"storage": "pcm"})

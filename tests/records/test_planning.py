import pytest

from keras_musictag.errors import RecordsError
from keras_musictag.records.planning import describe_plan, differences, read_plan, work_folder
from tests.records.make import make_manifest

FCN = {"name": "log_mel", "architecture": "fcn", "config": {"num_mels": 96, "hop_samples": 256}}


def plan(folder, features=None, **changes) -> dict:
    return {**describe_plan(make_manifest(folder, 2, seconds=0.1), "pcm", features, 4), **changes}


def test_equal_plans_do_not_differ_also_where_the_number_of_tracks_was_not_kept(tmp_path):
    old = plan(tmp_path)
    del old["num_tracks"]
    assert differences(plan(tmp_path), old) == ""


def test_features_are_told_by_the_architecture_and_not_by_their_settings(tmp_path):
    assert differences(plan(tmp_path, FCN), plan(tmp_path)) == "features none, now fcn"
    bare = {"name": "log_mel", "config": {}}
    assert differences(plan(tmp_path), plan(tmp_path, bare)) == "features log_mel, now none"
    other = {**FCN, "config": {"num_mels": 48}}
    assert differences(plan(tmp_path, other), plan(tmp_path, FCN)) == "features fcn, now fcn with other settings"


def test_of_the_tools_those_that_changed_are_told(tmp_path):
    then, now = {"av": "14", "numpy": "2.1"}, {"av": "15", "numpy": "2.1"}
    assert differences(plan(tmp_path, tool_versions=now), plan(tmp_path, tool_versions=then)) == "av 14, now 15"


def test_the_plan_is_kept_until_the_records_are_finished(tmp_path):
    with work_folder(tmp_path, {"storage": "pcm"}):
        assert read_plan(tmp_path) == {"storage": "pcm"}
    with work_folder(tmp_path, {"storage": "pcm"}):
        (tmp_path / "dataset.json").write_text("{}")
    assert [path.name for path in tmp_path.iterdir()] == ["dataset.json"]


@pytest.mark.parametrize("finished", [False, True])
def test_what_another_run_wrote_in_between_is_not_written_over(tmp_path, finished):
    with work_folder(tmp_path, {"storage": "pcm"}):
        if finished:
            (tmp_path / "dataset.json").write_text("{}")
    with (
        pytest.raises(RecordsError, match="Another process has just written"),
        work_folder(tmp_path, {"storage": "source"}),
    ):
        pass
    assert read_plan(tmp_path) == (None if finished else {"storage": "pcm"})
